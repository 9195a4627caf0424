// `op-dbus embed`: texts to vectors, line by line, in order, in bounded memory.
import { messageOf } from '../../errors.js'
import { bytes as byteCount, count, duration, oneLine } from '../../format.js'
import { readOptions } from '../../node/options.js'
import {
  type Caches,
  type EmbeddingResult,
  type ErrorCode,
  isOpDbusError,
  OpDbusError,
  type OpenOptions,
  openCaches,
} from '../../node.js'
import type { CommandCall } from '../command.js'
import { type DaemonValues, daemonSocket, openDaemon } from '../daemon.js'
import { NOT_EMBEDDED } from '../exit-codes.js'
import type { FlagValues } from '../flags.js'
import type { Input } from '../input.js'
import { settingsOf } from '../settings.js'
import { sourceLabel, type Terminal } from '../terminal.js'
import type { DaemonEmbeddings } from './daemon-embeddings.js'

/** Texts asked for ahead of the one that is printed: enough to fill batches, few enough to hold in memory. */
const AHEAD = 1024
/** The same in UTF-16 units, for texts that are long. */
const AHEAD_UNITS = 4 * 2 ** 20
/** No progress line before this long, in ms. */
const QUIET_MS = 1000
/** What will not go better with the next line. */
const FATAL: readonly ErrorCode[] = [
  'ABORTED',
  'CLOSED',
  'DEVICE_UNAVAILABLE',
  'DISABLED',
  'DOWNLOAD',
  'MODEL_NOT_FOUND',
  'STORE',
  'UNSUPPORTED_MODEL',
]

/** The same for every line: what no line mends, and a setting that does not fit the model. */
function isFatal(error: unknown): boolean {
  return isOpDbusError(error) && (FATAL.includes(error.code) || error.details.option !== undefined)
}

type Values = FlagValues &
  DaemonValues & {
    readonly file?: string
    readonly output?: string
    readonly format?: string
    readonly json?: boolean
    readonly 'no-vector'?: boolean
    readonly quiet?: boolean
  }

/** One answered line. `ms`: from the question to the answer. */
interface Row {
  readonly text: string
  readonly ms: number
  readonly result?: EmbeddingResult
  readonly error?: unknown
}

/** Where rows go. */
interface Sink {
  row(row: Row): Promise<void>
  /** All rows are there. */
  finish(): Promise<void>
  /** Something failed on the way: leaves nothing half-written. */
  abandon(): Promise<void>
}

export async function embed({ values, args: texts, terminal }: CommandCall<Values>): Promise<number> {
  const path = pathOf(values, texts)
  const format = formatOf(values)
  const settings = settingsOf(values, terminal)
  const caches = await openCaches(settings)
  const daemon = await throughDaemon(caches, settings, values, terminal)
  // On a terminal that shows the rows themselves there is nothing to add.
  const quiet = values.quiet === true || (terminal.outTty && values.output === undefined)
  const meter = new Meter(terminal, quiet, path === undefined ? texts.length : undefined)
  let failed = 0
  let input: Input | undefined
  let sink: Sink | undefined
  try {
    input = path === undefined ? undefined : await (await import('../input.js')).openInput(path, terminal.signal)
    sink = await sinkOf(format, values, terminal)
    for await (const row of answers(daemon ?? caches.embeddings, input?.lines ?? oneByOne(texts), terminal.signal)) {
      if (row.error !== undefined) {
        failed++
        if (isFatal(row.error) || format === 'npy') throw row.error
      }
      await sink.row(row)
      meter.count(row)
    }
    await sink.finish()
    // Looks at every file on disk, which an answer from there must not cost.
    const { patterns } = meter.patternsOff || values.quiet ? {} : (await caches.stats()).embeddings
    if (patterns && patterns.mode !== 'off') {
      const { patternsText } = await import('../patterns-text.js')
      const hits = patterns.hits + (daemon?.patterns.hits ?? 0)
      const templates = patterns.templates + (daemon?.patterns.templates ?? 0)
      terminal.say(`op-dbus: ${patternsText({ ...patterns, hits, templates }, meter.done, meter.savedMs(hits))}`)
    }
  } catch (error) {
    await sink?.abandon()
    // Nobody reads on (`| head -1`): what was left undone is no failure.
    if (!terminal.closed) throw error
    failed = 0
  } finally {
    meter.end()
    input?.close()
    await daemon?.close()
    await caches.close()
  }
  if (failed > 0) terminal.say(`op-dbus: ${count(failed)} of ${count(meter.done)} texts could not be embedded`)
  return failed > 0 ? NOT_EMBEDDED : 0
}

/** What asks a running daemon, where there is one and nothing else is to compute. */
async function throughDaemon(
  { embeddings, dir }: Caches,
  settings: OpenOptions,
  values: Values,
  terminal: Terminal,
): Promise<DaemonEmbeddings | undefined> {
  const socket = daemonSocket(dir, values)
  // Who names a device wants that one to compute.
  if (socket === undefined || readOptions(settings).config.device !== 'auto') return undefined
  const { DaemonEmbeddings } = await import('./daemon-embeddings.js')
  return new DaemonEmbeddings(embeddings, () => openDaemon(socket, terminal), terminal.signal)
}

/** Questions run ahead, answers come in order. */
async function* answers(
  embeddings: Pick<Caches['embeddings'], 'getOrEmbed'>,
  lines: AsyncIterable<string>,
  signal: AbortSignal,
): AsyncGenerator<Row> {
  const ahead: { readonly row: Promise<Row>; readonly units: number }[] = []
  let unitsAhead = 0
  const ask = async (text: string): Promise<Row> => {
    const start = performance.now()
    try {
      const result = await embeddings.getOrEmbed(text, { signal })
      return { text, ms: performance.now() - start, result }
    } catch (error) {
      return { text, ms: performance.now() - start, error }
    }
  }
  const iterator = lines[Symbol.asyncIterator]()
  const following = () => {
    const line = iterator.next()
    // What it fails with after the end of the work is missed by nobody.
    line.catch(() => {})
    return line
  }
  let next = following()
  for (let ended = false; !ended || ahead.length > 0; ) {
    // A finished row goes out even when no further line comes: somebody may type, or `tail -f`.
    const full = ended || ahead.length >= AHEAD || unitsAhead >= AHEAD_UNITS
    const row = full || (ahead.length > 0 && (await first(ahead[0]!.row, next)) === 'row')
    if (row) {
      const oldest = ahead.shift()!
      unitsAhead -= oldest.units
      yield await oldest.row
      continue
    }
    const line = await next
    if (line.done) ended = true
    else {
      ahead.push({ row: ask(line.value), units: line.value.length })
      unitsAhead += line.value.length
      next = following()
    }
  }
}

/** Which of the two is there first; the line when both are. */
function first(row: Promise<unknown>, line: Promise<unknown>): Promise<'row' | 'line'> {
  return Promise.race([line.then(() => 'line' as const), row.then(() => 'row' as const)])
}

async function* oneByOne(texts: readonly string[]): AsyncGenerator<string> {
  yield* texts
}

/** Where the lines are read; undefined where the arguments are the texts. */
function pathOf(values: Values, texts: readonly string[]): string | undefined {
  if (texts.length > 0 === (values.file !== undefined)) {
    throw new OpDbusError('INVALID_INPUT', 'give texts, or --file FILE, or - for standard input (see --help)')
  }
  return texts.length === 1 && texts[0] === '-' ? '-' : values.file
}

const FORMATS = ['text', 'json', 'npy'] as const
type Format = (typeof FORMATS)[number]

function formatOf(values: Values): Format {
  const format = FORMATS.find(known => known === (values.format ?? (values.json ? 'json' : 'text')))
  if (format === undefined) {
    throw new OpDbusError('INVALID_INPUT', `unknown format "${values.format}"; there are: ${FORMATS.join(', ')}`)
  }
  if (values.json && format !== 'json') throw new OpDbusError('INVALID_INPUT', `--json and --format ${format} differ`)
  if (values['no-vector'] && format !== 'json') throw new OpDbusError('INVALID_INPUT', '--no-vector needs --json')
  if (format === 'npy' && values.output === undefined) {
    throw new OpDbusError('INVALID_INPUT', '--format npy needs -o FILE')
  }
  return format
}

async function sinkOf(format: Format, values: Values, terminal: Terminal): Promise<Sink> {
  const here = values.output === undefined
  const line = format === 'json' ? jsonLine(values['no-vector'] !== true) : textLine(terminal, here && terminal.color)
  if (values.output === undefined) {
    return { row: row => terminal.out(line(row)), finish: async () => {}, abandon: async () => {} }
  }
  const [{ openOutput }, { NpyWriter }] = await Promise.all([import('../output.js'), import('../npy.js')])
  const output = await openOutput(values.output, terminal, { rewritten: format === 'npy' })
  const abandon = () => output.abandon()
  if (format !== 'npy') return { row: row => output.append(line(row)), finish: () => output.finish(), abandon }
  const writer = await NpyWriter.begin(output)
  return { row: row => writer.write(row.result!.vector), finish: () => writer.finish(), abandon }
}

/** One JSON object a line. */
function jsonLine(withVector: boolean): (row: Row) => string {
  return ({ text, ms, result, error }) => {
    const rounded = Math.round(ms * 1000) / 1000
    if (result === undefined) {
      const code = isOpDbusError(error) ? error.code : undefined
      return `${JSON.stringify({ text, ms: rounded, error: { code, message: messageOf(error) } })}\n`
    }
    const { vector, source, device, truncated, template } = result
    const fields = { text, source, device, dims: vector.length, ms: rounded, truncated, template }
    return `${JSON.stringify(withVector ? { ...fields, vector: Array.from(vector) } : fields)}\n`
  }
}

/** For people: where from, how long, how many dims, how the vector begins, and the text. */
function textLine(terminal: Terminal, color: boolean): (row: Row) => string {
  return ({ text, ms, result, error }) => {
    const shown = oneLine(text, Math.max(20, Math.min(terminal.columns, 120) - 64))
    const time = duration(ms).padStart(8)
    if (result === undefined) return `! failed    ${time}  ${shown}  ${oneLine(messageOf(error), 200)}\n`
    const { vector, source, truncated } = result
    const start = [...vector.subarray(0, 3)].map(x => x.toFixed(3).padStart(6)).join(' ')
    const cut = truncated ? '  (cut at the token limit)' : ''
    return `${sourceLabel(source, color)}  ${time}  ${vector.length} dims  ${start} …  ${shown}${cut}\n`
  }
}

/** The progress line: done/total, rate, time left, share from cache. Only on a terminal and only when it takes long. */
class Meter {
  done = 0
  /** A text was answered, and not as its template. */
  patternsOff = false
  #fromCache = 0
  #shownAt = 0
  #computed = 0
  #firstComputed: number | undefined
  #lastComputed = 0
  readonly #start = performance.now()
  readonly #terminal: Terminal
  readonly #quiet: boolean
  /** How many texts there will be; undefined while nobody knows. */
  readonly #total: number | undefined

  constructor(terminal: Terminal, quiet: boolean, total: number | undefined) {
    this.#terminal = terminal
    this.#quiet = quiet
    this.#total = total
  }

  count(row: Row): void {
    this.done++
    if (row.result && row.result.source !== 'computed') this.#fromCache++
    if (row.result) this.patternsOff = row.result.template === undefined
    const now = performance.now()
    if (row.result?.source === 'computed') {
      this.#computed++
      this.#firstComputed ??= now
      this.#lastComputed = now
    }
    if (this.#quiet || now - this.#start < QUIET_MS || now - this.#shownAt < 200) return
    this.#shownAt = now
    const rate = (1000 * this.done) / (now - this.#start)
    const of = this.#total === undefined ? '' : ` of ${count(this.#total)}`
    const left = this.#total === undefined ? '' : `, ${duration((1000 * (this.#total - this.done)) / rate)} left`
    const cached = Math.round((100 * this.#fromCache) / this.done)
    const memory = byteCount(process.memoryUsage.rss())
    this.#terminal.status(
      `${count(this.done)}${of} texts, ${count(rate)}/s${left}, ${cached} % of ${count(this.done)} from cache, ${memory}`,
    )
  }

  /**
   * What `hits` texts would have taken, at the pace of those computed after the first, whose time is the loading of the
   * model. Undefined while fewer than two were computed.
   */
  savedMs(hits: number): number | undefined {
    if (this.#computed < 2) return undefined
    return (hits * (this.#lastComputed - this.#firstComputed!)) / (this.#computed - 1)
  }

  end(): void {
    this.#terminal.status('')
  }
}
