// The routes of the daemon, in the order in which they are registered. A group of routes is a file in routes/ and a line here.
import type { Routes } from './context.js'
import { healthRoutes } from './routes/health.js'
import { metrics } from './routes/metrics.js'
import { ollamaRoutes } from './routes/ollama.js'
import { openAiRoutes } from './routes/openai.js'
import { teiRoutes } from './routes/tei.js'
import { tracing } from './tracing.js'

export const ROUTES: readonly Routes[] = [
  tracing,
  healthRoutes,
  metrics,
  openAiRoutes,
  teiRoutes,
  ollamaRoutes,
]
