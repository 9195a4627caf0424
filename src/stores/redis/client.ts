// One client of @redis/client, set up so that it queues nothing, waits for nothing long, and keeps no process alive. Loads the package
// when it is first needed. Reconnects nothing: node-link.ts does.
import { OpDbusError } from '../../errors.js'
import type { SharedAddress } from '../../shared-url.js'

/** What we use of a client. */
export interface Client {
  readonly isReady: boolean
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'invalidate', listener: (key: Buffer | string | null) => void): unknown
  connect(): Promise<unknown>
  /** Answers of one kind, whatever the protocol: bulk strings are Buffers. */
  sendCommand(args: readonly (string | Buffer)[]): Promise<unknown>
  destroy(): void
  unref(): void
}

export interface ClientOptions {
  readonly address: Omit<SharedAddress, 'hosts'>
  readonly host: string
  readonly port: number
  /** Certificates of authorities beside those that Node trusts, PEM. */
  readonly ca?: string | Buffer | undefined
  /** Push messages need RESP3; values are cheaper to read in RESP2. */
  readonly hearsPushes: boolean
}

/** A name and no literal: bundlers of applications that have not got the package would say so, and those that have would take it apart. */
const PACKAGE: string = '@redis/client'

const CONNECT_MS = 1000
/**
 * The package's own guard, ms. It counts silence also while this process itself does not run, on a busy machine, so the one that we go
 * by is in node-link.ts.
 */
const SILENCE_MS = 5000
/** Commands that may wait for their answers; spread.ts sends no more than it knows how many. */
const MOST_COMMANDS = 1024

function loadPackage(): Promise<typeof import('@redis/client')> {
  return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ PACKAGE)
}

/** @throws OpDbusError INVALID_INPUT where the package is missing */
export async function newClient({ address, host, port, ca, hearsPushes }: ClientOptions): Promise<Client> {
  const { RedisClient, RESP_TYPES } = await loadPackage().catch((cause: unknown) => {
    throw missingClient(cause)
  })
  const tls = address.tls
    ? { tls: true as const, servername: /^[\d.]+$|:/.test(host) ? '' : host, ...(ca && { ca }) }
    : {}
  // Not by `createClient`, which gives each client a method for each of 400 commands, in 40 ms; we send ours as they are.
  return new RedisClient({
    RESP: hearsPushes ? 3 : 2,
    ...(hearsPushes && { emitInvalidate: true }),
    socket: {
      host,
      port,
      ...tls,
      connectTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      reconnectStrategy: false,
    },
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    ...(address.database > 0 && { database: address.database }),
    disableOfflineQueue: true,
    commandsQueueMaxLength: MOST_COMMANDS,
    maintNotifications: 'disabled',
    // A deadline of ours is for a call; one for each command would cost as much as the command.
    commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  }) as unknown as Client
}

/** What is said where the package is not installed. */
export function missingClient(cause: unknown): OpDbusError {
  const message =
    'a shared store on Redis (sharedUrl, OPDBUS_SHARED_URL) needs the package @redis/client, which is not installed: npm install @redis/client'
  return new OpDbusError('INVALID_INPUT', message, { cause, details: { option: 'sharedUrl' } })
}
