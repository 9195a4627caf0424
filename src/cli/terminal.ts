// Where the CLI writes: data to stdout, messages to stderr. Colours only on a terminal and never against NO_COLOR.
import { OpDbusError } from '../errors.js'
import { inWords } from '../fs/errno.js'
import type { Source } from '../ports.js'
import { isGone, isTerminal, type Writer, writerOf } from './descriptor.js'
import { ENDED_BY, type EndingSignal } from './exit-codes.js'

export interface Terminal {
  /**
   * Data. Resolves when the system has taken it; a reader that has gone away is no error.
   * @throws OpDbusError STORE for everything else that keeps it from being written, a full disk for one
   */
  out(data: string | Uint8Array): Promise<void>
  /**
   * The same for what has to be known however the work ends: also after a signal. A second one ends the wait for a reader that does not read.
   * @throws as `out`
   */
  last(data: string | Uint8Array): Promise<void>
  /** A message line. */
  say(text: string): void
  /** Shows `text` in place of the last status; only on a terminal. '' removes it. */
  status(text: string): void
  /** The reader has gone: nothing that is written now arrives anywhere. */
  readonly closed: boolean
  /** What `out` has thrown: the work has failed, whatever else is said. */
  readonly failure: OpDbusError | undefined
  /** To be called where the rows go to another pipe than stdout, and its reader has gone. */
  readerGone(): void
  readonly columns: number
  /** stdout is a terminal. */
  readonly outTty: boolean
  readonly color: boolean
  /** Says that the work was to go on until a signal came: that ended nothing before its time. */
  endedWell(): void
  /** Which signal ended the work, if one did. */
  readonly endedBy: EndingSignal | undefined
  /** Fires at Ctrl+C, SIGTERM, SIGHUP, and when the data can no longer be written. */
  readonly signal: AbortSignal
}

export function openTerminal(): Terminal {
  const { env } = process
  const outTty = isTerminal(1)
  const controller = new AbortController()
  let writer: Writer | undefined
  let closed = false
  let failure: OpDbusError | undefined
  let shown = false
  const readerGone = () => {
    closed = true
    controller.abort(new Error('the reader has gone'))
  }
  const out = async (data: string | Uint8Array) => {
    if (failure) throw failure
    if (controller.signal.aborted) return
    writer ??= writerOf(1, controller.signal)
    await writeTo(writer, data)
  }
  const last = async (data: string | Uint8Array) => {
    if (failure) throw failure
    if (closed) return
    // No signal ends this one.
    if (controller.signal.aborted) await writeTo(writerOf(1, new AbortController().signal), data)
    else await out(data)
  }
  const writeTo = async (taker: Writer, data: string | Uint8Array) => {
    try {
      await taker.write(data)
    } catch (error) {
      if (isGone(error)) return readerGone()
      failure ??= new OpDbusError('STORE', `cannot write to standard output: ${inWords(error)}`, { cause: error })
      controller.abort(failure)
      throw failure
    }
  }
  let messages: typeof process.stderr | undefined
  /** Opened with the first message, since Node loads the modules of streams for it. */
  const stderr = () => {
    // Who reads our messages may go away too; there is nobody left to tell.
    messages ??= process.stderr.on('error', () => {})
    return messages
  }
  let endedBy: Terminal['endedBy']
  for (const signal of Object.keys(ENDED_BY) as EndingSignal[]) {
    process.once(signal, () => {
      endedBy ??= signal
      controller.abort(new Error(signal))
    })
  }
  const status = (text: string) => {
    if ((text === '' && !shown) || !stderr().isTTY) return
    stderr().write(`\r\x1b[K${text}`)
    shown = text !== ''
  }
  return {
    out,
    last,
    say(text) {
      status('')
      stderr().write(`${text}\n`)
    },
    status,
    get closed() {
      return closed
    },
    get failure() {
      return failure
    },
    readerGone,
    endedWell() {
      endedBy = undefined
    },
    get endedBy() {
      return endedBy
    },
    get columns() {
      // A terminal that does not say how wide it is says 0.
      return (outTty && process.stdout.columns) || 100
    },
    outTty,
    color: outTty && !env.NO_COLOR && env.TERM !== 'dumb',
    signal: controller.signal,
  }
}

/** The five sources, everywhere the same (Okabe-Ito, which colour-blind eyes tell apart), each with its letter. */
const SOURCES: Readonly<Record<Source, { letter: string; rgb: string }>> = {
  memory: { letter: 'M', rgb: '0;114;178' },
  disk: { letter: 'D', rgb: '0;158;115' },
  shared: { letter: 'S', rgb: '204;121;167' },
  pattern: { letter: 'P', rgb: '230;159;0' },
  computed: { letter: 'C', rgb: '213;94;0' },
}

/** `M memory`, coloured where colours are wanted; eight characters of word unless told, so that columns line up. */
export function sourceLabel(source: Source, color: boolean, width = 8): string {
  const { letter, rgb } = SOURCES[source]
  const text = `${letter} ${source.padEnd(width)}`
  return color ? `\x1b[38;2;${rgb}m${text}\x1b[0m` : text
}
