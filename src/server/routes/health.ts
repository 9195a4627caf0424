// Whether the process lives, whether it can embed, and who is asking: what anybody may know.
import type { DaemonInfo } from '../api.js'
import type { Routes } from '../context.js'
import { AS_JSON, described } from '../schemas.js'

const LIVES = { type: 'object', properties: { status: { type: 'string', enum: ['ok'] } } } as const
const READY = {
  type: 'object',
  required: ['ready'],
  properties: {
    ready: { type: 'boolean' },
    problem: { type: 'string', description: 'Told to who may read.' },
  },
} as const

export const healthRoutes: Routes = (app, context) => {
  const { models, stopping, tokens, version } = context

  app.route({
    method: ['GET', 'HEAD'],
    url: '/healthz',
    config: { access: 'open' },
    schema: { summary: 'Whether the process lives', response: { 200: { description: 'It does', ...LIVES } } },
    handler: async () => ({ status: 'ok' }),
  })

  app.route({
    method: ['GET', 'HEAD'],
    url: '/readyz',
    config: { access: 'open' },
    schema: {
      summary: 'Whether the first model embeds',
      response: { 200: { description: 'It does', ...READY }, 503: { description: 'It does not', ...READY } },
    },
    async handler(request, reply) {
      const { ready, problem } = stopping.aborted
        ? { ready: false, problem: 'the server is stopping' }
        : await models.ready()
      reply.code(ready ? 200 : 503)
      // Why may name folders and devices.
      const tells = problem !== undefined && context.permissionOf(request).read
      return { ready, ...(tells && { problem }) }
    },
  })

  app.get(
    '/api/daemon',
    {
      ...AS_JSON,
      config: { access: 'open' },
      schema: described('Who answers, and what the caller may do', { answer: 'DaemonInfo' }),
    },
    (request): DaemonInfo => ({ name: 'op-dbus', version, tokens, may: context.permissionOf(request) }),
  )
}
