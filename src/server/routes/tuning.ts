// `/api/tuning`: the advice of `op-dbus cache tune`, and what tuning did in this process.
import { setTimeout as delay } from 'node:timers/promises'
import type { NoAdvice } from '../../tuning/report.js'
import { Advisor } from '../advice.js'
import type { TuningReport } from '../api.js'
import type { Routes } from '../context.js'
import { AS_JSON, described } from '../schemas.js'

const NOWHERE: NoAdvice = {
  available: false,
  reason: 'Nothing is kept on disk, and so no trace: start the daemon with a cache folder (OPDBUS_CACHE_DIR).',
}

export const tuningRoutes: Routes = (app, { caches, clock }) => {
  const closing = new AbortController()
  app.addHook('onClose', async () => closing.abort())
  const { dir } = caches
  const advisor = new Advisor({
    advise: async () => {
      if (dir === undefined) return NOWHERE
      const { adviseFrom } = await import('../../node/tuning/advice.js')
      return adviseFrom(dir, { signal: closing.signal })
    },
    now: () => clock.monotonic(),
    wait: ms => delay(ms, undefined, { ref: false }),
  })
  app.get(
    '/api/tuning',
    {
      ...AS_JSON,
      config: { access: 'read' },
      schema: described('Advice on sizes, and what tuning did', { answer: 'TuningReport' }),
    },
    // Caches that were opened on Node always tell.
    async (): Promise<TuningReport> => ({ advice: await advisor.advice(), state: caches.tuning()! }),
  )
}
