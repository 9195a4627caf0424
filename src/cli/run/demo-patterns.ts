// The part of `op-dbus demo` on patterns: what templates save on generated logs.
import { join } from 'node:path'
import { count, duration, table } from '../../format.js'
import { openCaches, type PatternMode } from '../../node.js'
import type { FlagValues } from '../flags.js'
import { settingsOf } from '../settings.js'
import type { Terminal } from '../terminal.js'

/** `dir` is a folder of the demo's own. */
export async function demoPatterns(
  values: FlagValues,
  dir: string,
  log: readonly string[],
  terminal: Terminal,
): Promise<void> {
  const lines = [...new Set(log)]
  /** One embedMany on an empty cache, after the model was loaded. */
  const embed = async (patterns: PatternMode): Promise<{ ms: number; hits: number }> => {
    const caches = await openCaches({ ...settingsOf(values, terminal), dir: join(dir, patterns), patterns })
    try {
      await caches.embeddings.getOrEmbed('loads the model', { signal: terminal.signal })
      const start = performance.now()
      const { sources } = await caches.embeddings.embedMany(lines, { signal: terminal.signal })
      return { ms: performance.now() - start, hits: sources.filter(source => source === 'pattern').length }
    } finally {
      await caches.close()
    }
  }
  const exact = await embed('off')
  const template = await embed('template')
  const saved = exact.ms - template.ms
  const rows = [
    ['patterns', 'hit rate', 'took', 'saved'],
    ['off', '0 %', duration(exact.ms), ''],
    [
      'template',
      `${Math.round((100 * template.hits) / lines.length)} %`,
      duration(template.ms),
      saved > 0 ? duration(saved) : '-',
    ],
  ]
  await terminal.out(`\n${count(lines.length)} different lines: what patterns save (--patterns):\n\n`)
  await terminal.out(table(rows, [1, 2, 3]))
}
