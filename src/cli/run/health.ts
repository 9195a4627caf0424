// `op-dbus health`: asks a running daemon whether it is ready. Opens no cache.
import { join } from 'node:path'
import { OpDbusError } from '../../errors.js'
import { errnoOf, inWords } from '../../fs/errno.js'
import { readOptions } from '../../node/options.js'
import type { CommandCall } from '../command.js'
import { NOT_READY } from '../exit-codes.js'
import type { FlagValues } from '../flags.js'
import { settingsOf } from '../settings.js'

interface Values {
  readonly url?: string
  readonly socket?: string
  readonly live?: boolean
  readonly timeout?: string
  readonly quiet?: boolean
}

interface Health {
  readonly status: number
  /** Why it is not ready, where it says so. */
  readonly problem: string | undefined
}

export async function health({ values, terminal }: CommandCall<Values>): Promise<number> {
  const seconds = Number(values.timeout ?? 10)
  if (!(seconds > 0 && seconds <= 3600)) {
    throw new OpDbusError('INVALID_INPUT', `--timeout ${JSON.stringify(values.timeout)} is not a number of seconds`)
  }
  if (values.url !== undefined && values.socket !== undefined) {
    throw new OpDbusError('INVALID_INPUT', '--url and --socket name two servers: choose one')
  }
  const { url, socket } = values
  const { dir } = readOptions(settingsOf(values as FlagValues, terminal))
  const at = url ?? socket ?? (dir === undefined ? undefined : join(dir, 'daemon.sock'))
  if (at === undefined)
    throw new OpDbusError(
      'INVALID_INPUT',
      'there is no cache folder to find a socket in\nname the server: --url or --socket',
    )
  const path = values.live ? '/healthz' : '/readyz'
  const { status, problem } = await ask(
    url === undefined ? { socketPath: at, path } : addressOf(url, path),
    1000 * seconds,
    terminal.signal,
  )
  if (status === 200) {
    if (!values.quiet) await terminal.out(values.live ? 'lives\n' : 'ready\n')
    return 0
  }
  const why = problem ?? (status === 0 ? 'nobody answers' : `it answers ${status}`)
  terminal.say(`op-dbus: the server at ${at} is not ready: ${why}`)
  return NOT_READY
}

function addressOf(url: string, path: string) {
  let parsed: URL | undefined
  try {
    parsed = new URL(url)
  } catch {
    parsed = undefined
  }
  if (parsed?.protocol !== 'http:')
    throw new OpDbusError('INVALID_INPUT', `--url ${JSON.stringify(url)} is no http:// address`)
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: parsed.port || 80,
    path: `${parsed.pathname.replace(/\/$/, '')}${path}`,
  }
}

/** Status 0: nobody answered. */
async function ask(at: object, ms: number, signal: AbortSignal): Promise<Health> {
  // Lies in one file with commands that need none of it.
  const { request } = await import('node:http')
  return new Promise(resolve => {
    const failed = (error: unknown) => resolve({ status: 0, problem: inWords(error, WORDS) })
    const sent = request({ ...at, agent: false, signal }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text = (text + part).slice(0, 10_000)
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, problem: problemIn(text) }))
      response.on('error', failed)
    })
    // By hand: signals that are made of others may be collected before they fire (Node 20).
    const late = setTimeout(() => {
      resolve({ status: 0, problem: `no answer within ${ms / 1000} s` })
      sent.destroy()
    }, ms)
    sent.on('close', () => clearTimeout(late))
    sent.on('error', error => failed(signal.aborted && errnoOf(error) === 'ABORT_ERR' ? signal.reason : error))
    sent.end()
  })
}

const WORDS = { ECONNREFUSED: 'nobody listens there', ENOENT: 'there is no such socket: it does not run' }

function problemIn(text: string): string | undefined {
  try {
    const { problem } = JSON.parse(text) as { problem?: unknown }
    return typeof problem === 'string' ? problem : undefined
  } catch {
    return undefined
  }
}
