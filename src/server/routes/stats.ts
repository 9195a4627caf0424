// `/api/stats` and `/api/models`: what the daemon has and did.
import type { Routes } from '../context.js'
import { daemonStats } from '../daemon-stats.js'
import { AS_JSON, described } from '../schemas.js'

export const statsRoutes: Routes = (app, context) => {
  app.get(
    '/api/stats',
    { ...AS_JSON, config: { access: 'read' }, schema: described('One look at everything', { answer: 'DaemonStats' }) },
    () => daemonStats(context),
  )
  app.get(
    '/api/models',
    { ...AS_JSON, config: { access: 'read' }, schema: described('The models that are served', { list: 'ModelInfo' }) },
    () => context.models.infos(),
  )
}
