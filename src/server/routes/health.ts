// Whether the process lives, whether it can embed, and who is asking: what anybody may know.
import type { DaemonInfo } from '../api.js'
import type { Routes } from '../context.js'

export const healthRoutes: Routes = (app, context) => {
  const { models, stopping, tokens, version } = context

  app.route({
    method: ['GET', 'HEAD'],
    url: '/healthz',
    config: { access: 'open' },
    handler: async () => ({ status: 'ok' }),
  })

  app.route({
    method: ['GET', 'HEAD'],
    url: '/readyz',
    config: { access: 'open' },
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

  app.get('/api/daemon', { config: { access: 'open' } }, async (request): Promise<DaemonInfo> => {
    return { name: 'op-dbus', version, tokens, may: context.permissionOf(request) }
  })
}
