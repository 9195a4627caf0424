// `op-dbus serve`: starts the daemon, says where it is, and stops it when somebody ends the work. Serves nothing itself.
import { OpDbusError } from '../../errors.js'
import { visible } from '../../format.js'
import { type Daemon, type ServeOptions, serve } from '../../server.js'
import { VERSION } from '../../version.js'
import type { CommandCall } from '../command.js'
import { isTerminal } from '../descriptor.js'
import { ENDED_BY, type EndingSignal } from '../exit-codes.js'
import type { FlagValues } from '../flags.js'
import { settingsOf } from '../settings.js'
import type { Terminal } from '../terminal.js'

interface Values {
  readonly host?: string
  readonly port?: string
  readonly socket?: string
  readonly 'no-socket'?: boolean
  readonly 'token-file'?: string
  readonly 'read-token-file'?: string
  readonly 'allow-host'?: readonly string[]
  readonly cors?: readonly string[]
  readonly alias?: readonly string[]
  readonly 'token-arrays'?: string
  readonly extras?: boolean
  readonly 'max-body'?: string
  readonly 'max-batch'?: string
  readonly 'max-requests'?: string
  readonly 'request-timeout'?: string
  readonly 'log-level'?: string
  readonly model?: readonly string[]
  readonly quiet?: boolean
}

export async function runServer({ values, terminal }: CommandCall<Values>): Promise<number> {
  const daemon = await serve(optionsOf(values, terminal))
  const ended = new Promise<void>(resolve => {
    if (terminal.signal.aborted) resolve()
    terminal.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  if (!values.quiet) await terminal.out(startText(daemon, values))
  await ended
  // Who asks twice does not want to wait for what is in hand.
  for (const [signal, code] of Object.entries(ENDED_BY) as [EndingSignal, number][]) {
    process.once(signal, () => process.exit(code))
  }
  await daemon.close()
  // To be ended is what it waited for.
  terminal.endedWell()
  return 0
}

function optionsOf(values: Values, terminal: Terminal): ServeOptions {
  const { model, socket, 'no-socket': without, 'request-timeout': seconds } = values
  if (without && socket !== undefined) throw invalid('--no-socket and --socket contradict each other')
  const {
    onWarning: _,
    onDownload,
    ...settings
  } = settingsOf({ ...(values as FlagValues), model: undefined }, terminal)
  // A person at a terminal has no use for a log of what goes well.
  const level = values['log-level'] ?? (isTerminal(2) ? 'warn' : 'info')
  return {
    ...settings,
    ...(isTerminal(2) && { onDownload }),
    // A daemon is what memory is worth most to; whoever says otherwise is heeded.
    ...(!process.env.OPDBUS_WARM_START && { warmStart: settings.warmStart ?? true }),
    host: values.host,
    port: whole('port', values.port, 0),
    socket: without ? false : socket,
    tokenFile: values['token-file'],
    readTokenFile: values['read-token-file'],
    allowHosts: values['allow-host'],
    cors: values.cors,
    models: model,
    aliases: aliasesIn(values.alias),
    tokenArrays: values['token-arrays'] as ServeOptions['tokenArrays'],
    openaiExtras: values.extras,
    limits: {
      bodyBytes: whole('max-body', values['max-body'], 1),
      maxBatch: whole('max-batch', values['max-batch'], 1),
      queue: whole('max-requests', values['max-requests'], 1),
      requestTimeoutMs: seconds === undefined ? undefined : 1000 * whole('request-timeout', seconds, 1)!,
    },
    logLevel: level as ServeOptions['logLevel'],
    onLog: line => terminal.say(line.trimEnd()),
    systemd: true,
  }
}

function aliasesIn(pairs: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    pairs.map(pair => {
      const at = pair.indexOf('=')
      if (at < 1 || at === pair.length - 1) throw invalid(`--alias ${JSON.stringify(pair)} is not NAME=MODEL`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

function whole(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && Number.isSafeInteger(value)) return value
  throw invalid(`--${name} ${JSON.stringify(text)} is not a whole number from ${least} on`)
}

/** Where it is, and what to try first. */
function startText({ url, socket, writeTokenFile }: Daemon, values: Values): string {
  const takesToken = values['token-file'] ?? values['read-token-file']
  const rows = [
    url !== '' && ['console', `${url}/`],
    writeTokenFile !== undefined && ['write token', visible(writeTokenFile)],
    socket !== undefined && ['socket', visible(socket)],
  ].filter(row => row !== false)
  const token = takesToken === undefined ? '' : ` -H "authorization: Bearer $(cat ${quoted(takesToken)})"`
  const at = url === '' ? `--unix-socket ${quoted(socket ?? '')} http://localhost` : url
  return `op-dbus ${VERSION} serves${url === '' ? '' : ` at ${url}`}
${rows.map(([name, value]) => `  ${name!.padEnd(11)}  ${value}`).join('\n')}

  curl ${at}/v1/embeddings -H 'content-type: application/json'${token} -d '{"input": "Created container 100"}'
`
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${visible(path).replaceAll("'", "'\\''")}'`
}

function invalid(message: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `${message}\nsee op-dbus serve --help`)
}
