// The routes of the daemon, in the order in which they are registered. A group of routes is a file in routes/ and a line here.
import type { Routes } from './context.js'
import { healthRoutes } from './routes/health.js'
import { metrics } from './routes/metrics.js'
import { tracing } from './tracing.js'

export const ROUTES: readonly Routes[] = [tracing, healthRoutes, metrics]
