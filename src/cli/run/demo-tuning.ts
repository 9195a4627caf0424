// The end of `op-dbus demo`: what a warm start and advice on sizes gave for the demo's own lines, in three lines.
import { bytes, count, duration, plural } from '../../format.js'
import { adviseFrom } from '../../node/tuning/advice.js'
import { DEFAULT_TRACE_BYTES, switchOn } from '../../node/tuning/trace-folder.js'
import { type Caches, openCaches } from '../../node.js'
import type { CacheAdvice, PolicyCurve } from '../../tuning/report.js'
import type { FlagValues } from '../flags.js'
import { settingsOf } from '../settings.js'
import type { Terminal } from '../terminal.js'

/** How long the list of what was in use is waited for, where it may be damaged. */
const PATIENCE_MS = 10_000
/** Hit rates that differ by less are the same. */
const AS_GOOD = 0.005

/** What the demo asks for in `dir` is recorded from now on. */
export function traceDemo(dir: string): void {
  switchOn(dir, { rate: 1, maxBytes: DEFAULT_TRACE_BYTES })
}

/** `dir` holds the demo's caches, their trace, and the list of what was in memory. */
export async function demoTuning(
  values: FlagValues,
  dir: string,
  lines: readonly string[],
  terminal: Terminal,
): Promise<void> {
  const { signal } = terminal
  const say = (what: string, text: string) => terminal.out(`  ${what.padEnd(8)}  ${text}\n`)
  await terminal.out('\nThe same folder started warm, and what its trace of these requests advises:\n')
  const caches = await openCaches({ ...settingsOf(values, terminal), warmStart: true })
  try {
    const warmed = warmedOrNot(caches, signal)
    // Opens what is loaded ahead.
    await caches.embeddings.getOrEmbed(lines[0]!, { signal })
    if (await warmed)
      await say('warm', warmText(caches, (await caches.embeddings.embedMany(lines, { signal })).sources))
    else await say('warm', 'nothing is on disk to start warm from')
  } finally {
    await caches.close()
  }
  const report = await adviseFrom(dir, { signal })
  const advice = report.available ? report.caches.find(({ cache }) => cache === 'embeddings') : undefined
  if (advice === undefined) return
  await say('size', sizeText(advice))
  await say('policy', policyText(advice))
}

/** Whether entries were loaded. Where there is no disk none ever are. */
function warmedOrNot(caches: Caches, signal: AbortSignal): Promise<boolean> {
  if (caches.tuning()?.warm === undefined) return Promise.resolve(false)
  return new Promise((resolve, reject) => {
    const patience = setTimeout(() => resolve(false), PATIENCE_MS)
    const end = (settle: () => void) => {
      clearTimeout(patience)
      settle()
    }
    caches.on('warmed', () => end(() => resolve(true)))
    signal.addEventListener('abort', () => end(() => reject(signal.reason)), { once: true })
  })
}

function warmText(caches: Caches, sources: readonly string[]): string {
  const { loaded = 0, ms = 0 } = caches.tuning()?.warm ?? {}
  const memory = sources.filter(source => source === 'memory').length
  return `${count(loaded)} vectors in memory ${duration(ms)} after the first text: ${count(memory)} of ${plural(sources.length, 'line', 'lines')} came from there`
}

/** The smallest memory that is as good as any. */
function sizeText({ requests, curves, now, best }: CacheAdvice): string {
  const points = curves.find(({ policy }) => policy === best.policy)?.points ?? []
  const most = points.at(-1)?.hitRate ?? 0
  const enough = points.find(({ hitRate }) => hitRate >= most - AS_GOOD)
  if (enough === undefined) return `${plural(requests, 'request', 'requests')} are too few to say`
  const room = now ? ` are as good as the ${count(now.capacity)} that there is room for` : ' are as good as more'
  const share = `memory alone answers ${Math.round(100 * enough.hitRate)} % of ${plural(requests, 'request', 'requests')}`
  return `${count(enough.capacity)} entries (${bytes(enough.bytes)})${room}: ${share}, since each process began empty`
}

/** Where memory is scarce policies differ: with room for a tenth of the entries. */
function policyText({ keys, curves }: CacheAdvice): string {
  const sizes = curves[0]?.points ?? []
  const tenth = sizes.findIndex(({ capacity }) => capacity >= keys / 10)
  const at = ({ points }: PolicyCurve) => points[tenth]?.hitRate ?? 0
  const lru = curves.find(({ policy }) => policy === 'lru')
  const best = curves.reduce((best, curve) => (at(curve) > at(best) ? curve : best), lru ?? curves[0]!)
  const share = (curve: PolicyCurve) => `${(100 * at(curve)).toFixed(1)} %`
  const room = `with room for ${plural(sizes[tenth]?.capacity ?? 0, 'entry', 'entries')} alone`
  return best === lru || lru === undefined
    ? `${room} no policy answers more than LRU: ${share(best)}`
    : `${room} ${best.policy} answers ${share(best)} from memory, LRU ${share(lru)}`
}
