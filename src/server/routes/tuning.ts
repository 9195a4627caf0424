// `/api/tuning`: the advice of `op-dbus cache tune`.
import type { TuningReport } from '../api.js'
import type { Routes } from '../context.js'
import { AS_JSON, described } from '../schemas.js'

export const tuningRoutes: Routes = app => {
  app.get(
    '/api/tuning',
    { ...AS_JSON, config: { access: 'read' }, schema: described('Advice on sizes', { answer: 'TuningReport' }) },
    (): TuningReport => ({ available: false, reason: 'This version of op-dbus gives no advice on sizes yet.' }),
  )
}
