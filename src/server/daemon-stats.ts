// One look at everything that a daemon has: what `/api/stats` answers and `/events` tells. Counts nothing itself.
import type { DaemonStats, ModelInfo } from './api.js'
import type { ServerContext } from './context.js'

export async function daemonStats({ models, caches, meters, started, clock }: ServerContext): Promise<DaemonStats> {
  const [stats, infos] = await Promise.all([caches.stats(), models.infos()])
  // Known before the first text opens the tier.
  const tier = caches.embeddings.sharedStatus
  return {
    now: clock.now(),
    started,
    pid: process.pid,
    node: process.version,
    rss: process.memoryUsage.rss(),
    caches: stats,
    models: infos,
    rows: { ...meters.rows },
    rowsPerSecond: meters.rowsPerSecond,
    latency: {
      memory: meters.latency('memory'),
      disk: meters.latency('disk'),
      shared: meters.latency('shared'),
      pattern: meters.latency('pattern'),
      computed: meters.latency('computed'),
    },
    requests: { ...meters.requests, turnedAway: meters.counts.overloaded },
    savedSeconds: savedSeconds(infos),
    ...(tier && { shared: tier }),
  }
}

/** Computing that answers from a cache saved, of all models. */
export function savedSeconds(models: readonly Pick<ModelInfo, 'cache'>[]): number {
  return models.reduce((sum, { cache }) => sum + cache.worth.computeSeconds, 0)
}
