// Whether the process lives, whether it can embed, and who is asking: what anybody may know.
import { OpDbusError } from '../../errors.js'
import type { DaemonInfo } from '../api.js'
import type { Routes } from '../context.js'
import { httpErrorOf } from '../http-errors.js'
import { AS_JSON, described } from '../schemas.js'

const LIVES = { type: 'object', properties: { status: { type: 'string', enum: ['ok'] } } } as const
const READY = {
  type: 'object',
  required: ['ready'],
  properties: {
    ready: { type: 'boolean' },
    problem: { type: 'string', description: 'Told to who may read. Names no files: the log does.' },
  },
} as const

export const healthRoutes: Routes = (app, context) => {
  const { log, models, stopping, tokens, version } = context
  /** What was logged last: who asks often fills no log. */
  let logged: string | undefined

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
      const { ready, error } = stopping.aborted
        ? { ready: false, error: new OpDbusError('CLOSED', 'the server is stopping') }
        : await models.ready()
      reply.code(ready ? 200 : 503)
      if (error === undefined) return { ready }
      const { message, withheld } = httpErrorOf(error, false)
      if (withheld !== undefined && withheld !== logged) log.warn('not ready', { message: withheld })
      logged = withheld ?? logged
      return { ready, ...(context.permissionOf(request).read && { problem: message }) }
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
