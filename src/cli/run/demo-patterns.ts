// The part of `op-dbus demo` on patterns: what each mode saves on generated logs, and how far off what it served was.
import { join } from 'node:path'
import { type EmbeddingMatrix, openCaches, type PatternSetting } from '../../node.js'
import { alertLines } from '../log-lines.js'
import { count, duration, table } from '../render.js'
import { settingsOf, type Values } from '../settings.js'
import type { Terminal } from '../terminal.js'

/** Few enough that three more passes over them stay a matter of seconds. */
const LINES = 120
const ALERTS = 180
const SEED = 20_260_102
/** A bound wide enough for long texts to be served; the default one refuses nearly everything, and should. */
const WIDE = 0.4

/** One pass of embedMany on an empty cache, after the model was loaded. */
interface Pass extends EmbeddingMatrix {
  readonly ms: number
}

/** `dir` is a folder of the demo's own. */
export async function demoPatterns(
  values: Values,
  dir: string,
  log: readonly string[],
  terminal: Terminal,
): Promise<void> {
  const lines = [...new Set(log)].slice(0, LINES).concat(alertLines(ALERTS, SEED))
  const embed = async (name: string, patterns: PatternSetting): Promise<Pass> => {
    const caches = await openCaches({ ...settingsOf(values, terminal), dir: join(dir, name), patterns })
    try {
      await caches.embeddings.getOrEmbed('loads the model', { signal: terminal.signal })
      const start = performance.now()
      const matrix = await caches.embeddings.embedMany(lines, { signal: terminal.signal })
      return { ...matrix, ms: performance.now() - start }
    } finally {
      await caches.close()
    }
  }
  const exact = await embed('exact', 'off')
  const row = (what: string, pass: Pass, verified: boolean) => {
    const hits = pass.sources.filter(source => source === 'pattern').length
    const saved = exact.ms - pass.ms
    return [
      what,
      `${Math.round((100 * hits) / lines.length)} %`,
      duration(pass.ms),
      saved > 0 ? duration(saved) : '-',
      verified && hits > 0 ? worstError(pass, exact).toFixed(3) : '-',
      verified ? String(pass.bound) : '-',
    ]
  }
  const heading = ['patterns', 'hit rate', 'took', 'saved', 'worst error', 'bound']
  const rows = [
    heading,
    ['off', '0 %', duration(exact.ms), '', '', ''],
    row('template', await embed('template', 'template'), false),
    row('verified', await embed('verified', 'verified'), true),
    row(`verified, ${WIDE}`, await embed('wide', { mode: 'verified', epsilon: WIDE }), true),
  ]
  const what = `${count(lines.length)} different lines, ${ALERTS} of them long`
  await terminal.out(`\n${what}: what patterns save (--patterns), and the error of all they served:\n\n`)
  await terminal.out(table(rows, [1, 2, 3, 4, 5]))
}

/** How far the farthest vector that a pattern served is from the exact one. */
function worstError({ sources, matrix, dims }: EmbeddingMatrix, exact: EmbeddingMatrix): number {
  let worst = 0
  for (const [i, source] of sources.entries()) {
    if (source !== 'pattern') continue
    let sum = 0
    for (let at = i * dims; at < (i + 1) * dims; at++) sum += (matrix[at]! - exact.matrix[at]!) ** 2
    worst = Math.max(worst, Math.sqrt(sum))
  }
  return worst
}
