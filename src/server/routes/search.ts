// `/api/search`: blocks by meaning, by text, or both.
import type { SearchCallBody } from '../api.js'
import type { Routes } from '../context.js'
import { mustHaveChain } from '../must-have-chain.js'
import { AS_JSON, described } from '../schemas.js'

export const searchRoutes: Routes = (app, context) => {
  app.post<{ Body: SearchCallBody }>(
    '/api/search',
    {
      ...AS_JSON,
      config: { access: 'read' },
      schema: described('Blocks by meaning, by text, or both', { body: 'SearchCallBody', answer: 'SearchReport' }),
    },
    request => {
      const { text, ...call } = request.body
      return mustHaveChain(context).search(text, { ...call, signal: context.signalOf(request) })
    },
  )
}
