// What the tests of the web root call in a page: the library behind functions whose arguments and results are plain data.
import { type Caches, isOpDbusError, type OpenOptions, openCaches, type Stats } from '../../src/web.js'

let caches: Caches | undefined
const warnings: string[] = []
const downloads: { file: string; done: number; total: number }[] = []

export async function open(options: OpenOptions = {}): Promise<void> {
  caches = await openCaches({
    assetsUrl: '/op-dbus/',
    ...options,
    onWarning: message => warnings.push(message),
    onDownload: progress => downloads.push(progress),
  })
}

export interface Told {
  readonly vectors: number[][]
  readonly sources: string[]
  readonly devices: string[]
}

export async function embed(texts: readonly string[]): Promise<Told> {
  const results = await Promise.all(texts.map(text => caches!.embeddings.getOrEmbed(text)))
  return {
    vectors: results.map(({ vector }) => [...vector]),
    sources: results.map(({ source }) => source),
    devices: results.map(({ device }) => device),
  }
}

/** Of each text: whether memory answers at once, without any look-up. */
export function views(texts: readonly string[]): boolean[] {
  return texts.map(text => caches!.embeddings.view(text) !== undefined)
}

export function clear(): Promise<void> {
  return caches!.clear()
}

export interface Failure {
  readonly code: string
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/** What embedding fails with. The signal fires after `abortMs`, where that is given. */
export async function failure(text: string, abortMs?: number): Promise<Failure> {
  const controller = new AbortController()
  if (abortMs !== undefined) setTimeout(() => controller.abort(), abortMs)
  try {
    await caches!.embeddings.getOrEmbed(text, { signal: controller.signal })
    return { code: '', message: 'did not fail', details: {} }
  } catch (error) {
    if (!isOpDbusError(error)) return { code: '', message: String(error), details: {} }
    return { code: error.code, message: error.message, details: error.details }
  }
}

/** Closes while a text is under way: what that text rejects with. */
export async function closeDuring(text: string, ms: number): Promise<Failure> {
  const failing = failure(text)
  await new Promise(resolve => setTimeout(resolve, ms))
  await caches!.close()
  return failing
}

export interface LongTasks {
  /** Milliseconds of the whole, model open before. */
  readonly ms: number
  /** Durations of tasks over 50 ms on the page's thread, in ms. */
  readonly tasks: number[]
  /** The longest wait of a timer that asked for 0 ms, in ms. */
  readonly worstTurn: number
}

/** Embeds texts one by one and all at once, and watches this page's own thread. */
export async function watchLongTasks(texts: readonly string[]): Promise<LongTasks> {
  const tasks: number[] = []
  const observer = new PerformanceObserver(list => tasks.push(...list.getEntries().map(entry => entry.duration)))
  observer.observe({ type: 'longtask' })
  let worstTurn = 0
  let last = performance.now()
  const beat = setInterval(() => {
    const now = performance.now()
    worstTurn = Math.max(worstTurn, now - last)
    last = now
  }, 4)
  const start = performance.now()
  await caches!.embeddings.embedMany(texts)
  const ms = performance.now() - start
  // The observer reports with the next turns.
  await new Promise(resolve => setTimeout(resolve, 100))
  tasks.push(...observer.takeRecords().map(entry => entry.duration))
  observer.disconnect()
  clearInterval(beat)
  return { ms, tasks, worstTurn }
}

export async function stats(): Promise<Stats> {
  return JSON.parse(JSON.stringify(await caches!.stats()))
}

export function told(): { warnings: string[]; downloads: typeof downloads } {
  return { warnings, downloads }
}

export function close(): Promise<void> {
  return caches!.close()
}
