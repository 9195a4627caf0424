// `GET /metrics`, for Prometheus. Reads; needs the read token where reading does.
import type { Routes } from '../context.js'
import { exposition } from '../prometheus.js'

export const metrics: Routes = async (app, context) => {
  const { Registry } = await import('../http.js')
  const text = exposition(context, new Registry())
  const schema = {
    summary: 'Counts, for Prometheus',
    response: { 200: { description: 'Text', content: { 'text/plain': { schema: { type: 'string' } } } } },
  }
  app.get('/metrics', { config: { access: 'read' }, schema }, async (_request, reply) => {
    return reply.type(Registry.PROMETHEUS_CONTENT_TYPE).send(await text())
  })
}
