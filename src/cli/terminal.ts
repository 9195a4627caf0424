// Where the CLI writes: data to stdout, messages to stderr. Colours only on a terminal and never against NO_COLOR.
import { once } from 'node:events'
import type { Source } from '../ports.js'

export interface Terminal {
  /** Data. Resolves when the pipe can take more; a reader that has gone away is no error. */
  out(text: string): Promise<void>
  /** A message line. */
  say(text: string): void
  /** Shows `text` in place of the last status; only on a terminal. '' removes it. */
  status(text: string): void
  /** The reader of stdout has gone: nothing that is written now arrives anywhere. */
  readonly closed: boolean
  readonly columns: number
  /** stdout is a terminal. */
  readonly outTty: boolean
  readonly color: boolean
  /** Which signal ended the work, if one did. */
  readonly endedBy: 'SIGINT' | 'SIGTERM' | undefined
  /** Fires at Ctrl+C, SIGTERM, and when the reader of stdout has gone. */
  readonly signal: AbortSignal
}

export function openTerminal(): Terminal {
  const { stdout, stderr, env } = process
  const controller = new AbortController()
  let closed = false
  let shown = false
  const gone = () => {
    closed = true
    controller.abort(new Error('stdout was closed'))
  }
  stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') gone()
    else {
      process.stderr.write(`op-dbus: cannot write: ${error.message}\n`)
      process.exitCode = 6
      gone()
    }
  })
  // Who reads our messages may go away too; there is nobody left to tell.
  stderr.on('error', () => {})
  let endedBy: Terminal['endedBy']
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      endedBy = signal
      controller.abort(new Error(signal))
    })
  }
  const status = (text: string) => {
    if (!stderr.isTTY || (text === '' && !shown)) return
    stderr.write(`\r\x1b[K${text}`)
    shown = text !== ''
  }
  return {
    async out(text) {
      if (closed || stdout.write(text) || closed) return
      await once(stdout, 'drain', { signal: controller.signal }).catch(() => {})
    },
    say(text) {
      status('')
      stderr.write(`${text}\n`)
    },
    status,
    get closed() {
      return closed
    },
    get endedBy() {
      return endedBy
    },
    get columns() {
      return stdout.columns ?? 100
    },
    outTty: stdout.isTTY === true,
    color: stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
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

/** `M memory`, coloured where colours are wanted; always eight characters of word, so that columns line up. */
export function sourceLabel(source: Source, color: boolean): string {
  const { letter, rgb } = SOURCES[source]
  const text = `${letter} ${source.padEnd(8)}`
  return color ? `\x1b[38;2;${rgb}m${text}\x1b[0m` : text
}
