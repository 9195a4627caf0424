// The routes of the daemon, in the order in which they are registered. A group of routes is a file in routes/ and a line here.
import type { Routes } from './context.js'
import { liveRoutes } from './events.js'
import { cacheRoutes } from './routes/cache.js'
import { chainRoutes } from './routes/chain.js'
import { clearRoutes } from './routes/clear.js'
import { consoleRoutes } from './routes/console.js'
import { healthRoutes } from './routes/health.js'
import { metrics } from './routes/metrics.js'
import { ollamaRoutes } from './routes/ollama.js'
import { openAiRoutes } from './routes/openai.js'
import { openapiRoutes } from './routes/openapi.js'
import { searchRoutes } from './routes/search.js'
import { stateRoutes } from './routes/state.js'
import { statsRoutes } from './routes/stats.js'
import { teiRoutes } from './routes/tei.js'
import { tuningRoutes } from './routes/tuning.js'
import { tracing } from './tracing.js'

export const ROUTES: readonly Routes[] = [
  tracing,
  // Hears of each route as it is added.
  openapiRoutes,
  healthRoutes,
  metrics,
  openAiRoutes,
  teiRoutes,
  ollamaRoutes,
  statsRoutes,
  cacheRoutes,
  clearRoutes,
  stateRoutes,
  chainRoutes,
  searchRoutes,
  tuningRoutes,
  liveRoutes,
  consoleRoutes,
]
