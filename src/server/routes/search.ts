// `/api/search`: blocks by meaning, by text, or both.
import { spaceId } from '../../node/spaces.js'
import type { SearchCallBody, SearchReport } from '../api.js'
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
    async (request): Promise<SearchReport> => {
      const { text, ...call } = request.body
      const report = await mustHaveChain(context).search(text, { ...call, signal: context.signalOf(request) })
      const { space, older } = report
      return {
        ...report,
        ...(space !== undefined && { space: spaceId(space) }),
        ...(older && { older: { ...older, space: spaceId(older.space) } }),
      }
    },
  )
}
