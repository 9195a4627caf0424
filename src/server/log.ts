// What the daemon tells of itself, one JSON object a line. Never a text, a key, a token or a query string.
import { OpDbusError } from '../errors.js'

export type Facts = Readonly<Record<string, string | number | boolean>>

export interface Log {
  /** Every request, and what else only who looks for a fault wants. Look at `debugs` before facts are made. */
  debug(event: string, facts?: Facts): void
  info(event: string, facts?: Facts): void
  warn(event: string, facts?: Facts): void
  error(event: string, facts?: Facts): void
  readonly debugs: boolean
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'none'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** @throws OpDbusError INVALID_INPUT */
export function asLogLevel(level: unknown): LogLevel {
  const known = LOG_LEVELS.find(one => one === level)
  if (known) return known
  throw new OpDbusError('INVALID_INPUT', `logLevel must be one of ${LOG_LEVELS.join(', ')}`, {
    details: { option: 'logLevel' },
  })
}

/** `write` is given whole lines. Values are cut at 500 characters, so that no line grows without bound. */
export function openLog(level: LogLevel, write: (line: string) => void, now: () => number): Log {
  const least = LOG_LEVELS.indexOf(level)
  const at = (name: LogLevel) => {
    if (LOG_LEVELS.indexOf(name) < least) return () => {}
    return (event: string, facts: Facts = {}) => {
      const bounded = Object.entries(facts).map(([key, value]) => [
        key,
        typeof value === 'string' ? value.slice(0, 500) : value,
      ])
      const line = { time: new Date(now()).toISOString(), level: name, event, ...Object.fromEntries(bounded) }
      write(`${JSON.stringify(line)}\n`)
    }
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), debugs: least === 0 }
}

/** Who reads our messages may go away: there is nobody left to tell then, and that ends no service. */
export function standardError(): (line: string) => void {
  process.stderr.on('error', () => {})
  return line => void process.stderr.write(line)
}

/** Where an error was thrown, without its message, which may hold what somebody sent. */
export function framesOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return stack
    .split('\n')
    .filter(line => /^\s+at /.test(line))
    .slice(0, 6)
    .map(line => line.trim())
    .join(' < ')
}
