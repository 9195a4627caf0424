// What the daemon counts, as Prometheus reads it. Everything is filled in while somebody asks; nothing here is on the way of a request.
import { isOpDbusError } from '../errors.js'
import type { ServerContext } from './context.js'
import { FAMILIES } from './metric-families.js'
import type { Family, Snapshot } from './metric-family.js'

/** prom-client's. */
export interface MetricRegistry {
  registerMetric(metric: never): void
  metrics(): Promise<string>
}

/** Answers with all metrics, as text of Prometheus' format 0.0.4. */
export function exposition(context: ServerContext, registry: MetricRegistry) {
  let now: Snapshot | undefined
  for (const family of FAMILIES) registry.registerMetric(metricOf(family, () => now!) as never)
  return async (): Promise<string> => {
    now = await look(context)
    return registry.metrics()
  }
}

/** What the registry asks of a metric. Its library's own metrics count each change by themselves, at 370 ns each. */
function metricOf({ name, help, type, rows }: Family, now: () => Snapshot) {
  const get = async () => {
    const values = Array.from(rows(now()), ([labels, value, suffix = '']) => ({
      metricName: name + suffix,
      labels,
      value,
    }))
    return { name, help, type, values, aggregator: 'sum' }
  }
  return { name, get }
}

async function look(context: ServerContext): Promise<Snapshot> {
  const [models, stats, chain] = await Promise.all([context.models.infos(), context.caches.stats(), chainOf(context)])
  return { context, models, stats, tuning: context.caches.tuning(), chain }
}

async function chainOf({ chain }: ServerContext): Promise<Snapshot['chain']> {
  if (chain === undefined) return undefined
  try {
    return { blocks: (await chain.head()).size, damaged: false }
  } catch (error) {
    return { damaged: isOpDbusError(error) && error.code === 'CHAIN_DAMAGED' }
  }
}
