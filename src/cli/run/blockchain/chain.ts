// What the commands of the chain have in common: opening it, and reading what decides which blocks are meant.
import { type BlockFilter, type Chain, openChain, type WriteCall } from '../../../blockchain.js'
import { OpDbusError } from '../../../errors.js'
import { count, visible } from '../../../format.js'
import type { FlagValues } from '../../flags.js'
import { settingsOf } from '../../settings.js'
import type { Terminal } from '../../terminal.js'
import { momentIn } from '../../when.js'
import type { ToldAs } from '../telling.js'

export type ChainValues = FlagValues & ToldAs & { readonly quiet?: boolean }

export interface FilterValues {
  readonly plugin?: string
  readonly operation?: string
  readonly since?: string
  readonly until?: string
}

/** Opens the chain for `work`, and closes it whatever comes of that. */
export async function withChain<T>(
  values: FlagValues,
  terminal: Terminal,
  work: (chain: Chain) => Promise<T>,
): Promise<T> {
  const chain = await openChain(settingsOf(values, terminal))
  try {
    return await work(chain)
  } finally {
    await chain.close()
  }
}

/** @throws OpDbusError INVALID_INPUT */
export function filterOf({ plugin, operation, since, until }: FilterValues, now = Date.now()): BlockFilter {
  const filter = {
    ...(plugin !== undefined && { plugin }),
    ...(operation !== undefined && { operation }),
    ...(since !== undefined && { since: momentIn(since, 'since', now) }),
    ...(until !== undefined && { until: momentIn(until, 'until', now) }),
  }
  if (filter.since !== undefined && filter.until !== undefined && filter.since >= filter.until) {
    throw new OpDbusError('INVALID_INPUT', `--since ${since} is not before --until ${until}: no block can be between`)
  }
  return filter
}

/** The one argument that `command` takes; `what` says what it is. */
export function oneOf(args: readonly string[], what: string, command: string): string {
  const [one, ...more] = args
  if (one === undefined || more.length > 0) {
    throw new OpDbusError(
      'INVALID_INPUT',
      `"blockchain ${command}" takes one ${what}\nsee op-dbus blockchain ${command} --help`,
    )
  }
  return one
}

/** @throws OpDbusError INVALID_INPUT for what is no whole number */
export function numberIn(text: string, what: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`
  throw new OpDbusError('INVALID_INPUT', `${what} ${JSON.stringify(text)} is no whole number ${range}`)
}

/** How many blocks an option asks for. */
export function countIn(text: string | undefined, option: string, without: number, most?: number): number {
  return text === undefined ? without : numberIn(text, `--${option}`, 1, most)
}

/** Most writers have written within milliseconds: who waits for one for longer is told. */
const LONG_WAIT_MS = 1000

/** Runs what writes. `tell`: where many wait together, and only one of them is to say so. */
export async function writing<T>(
  terminal: Terminal,
  work: (call: WriteCall) => Promise<T>,
  tell = (who: string) => tellWait(who, terminal),
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const onWait = (who: string) => {
    timer ??= setTimeout(() => tell(who), LONG_WAIT_MS)
  }
  try {
    return await work({ signal: terminal.signal, onWait })
  } finally {
    clearTimeout(timer)
  }
}

export function tellWait(who: string, terminal: Terminal): void {
  terminal.say(`op-dbus: ${visible(who)} writes to the chain as well; this waits for its turn`)
}

/** Shows how far it is, on a terminal. */
export function progress(
  { quiet }: ChainValues,
  terminal: Terminal,
  what = 'blocks',
): (done: number, total: number) => void {
  return (done, total) => {
    if (!quiet) terminal.status(`${count(done)} of ${count(total)} ${what}`)
  }
}
