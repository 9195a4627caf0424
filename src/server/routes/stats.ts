// `/api/stats` and `/api/models`: what the daemon has and did.
import type { DaemonStats } from '../api.js'
import type { Routes } from '../context.js'
import { daemonStats } from '../daemon-stats.js'
import { AS_JSON, described } from '../schemas.js'

export const statsRoutes: Routes = (app, context) => {
  app.get(
    '/api/stats',
    { ...AS_JSON, config: { access: 'read' }, schema: described('One look at everything', { answer: 'DaemonStats' }) },
    async (): Promise<DaemonStats> => ({ ...(await daemonStats(context)), tuning: context.caches.tuning() }),
  )
  app.get(
    '/api/models',
    { ...AS_JSON, config: { access: 'read' }, schema: described('The models that are served', { list: 'ModelInfo' }) },
    () => context.models.infos(),
  )
}
