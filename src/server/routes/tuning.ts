// `/api/tuning`: the advice of `op-dbus cache tune`, and what tuning did in this process.
import { setTimeout as delay } from 'node:timers/promises'
import { Advisor } from '../advice.js'
import type { TuningReport } from '../api.js'
import type { Routes } from '../context.js'
import { AS_JSON, described } from '../schemas.js'

export const tuningRoutes: Routes = (app, { caches, clock }) => {
  const advisor = new Advisor({
    advise: async () => ({ available: false, reason: 'This version of op-dbus gives no advice on sizes yet.' }),
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
