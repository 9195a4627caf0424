// What is given to `openState` or `openChain`, taken apart: its own options, and those of the caches that it opens. Part of the Node roots;
// reads no environment.
import { OpDbusError } from '../errors.js'
import { OPTIONS, type Option, type OptionTaker, takes } from '../options.js'
import type { ChainSettings, StateSettings } from '../settings.js'
import { ON_NODE, type OpenOptions } from './options.js'

/** Who opens caches for itself, and what it takes. */
interface Own {
  readonly state: StateSettings
  readonly chain: ChainSettings
}

/**
 * Settings of `taker`, and what is left for the caches. `beside`: options that only its root reads, for messages.
 * @throws OpDbusError INVALID_INPUT for an option that there is not
 */
export function splitOptions<T extends Exclude<OptionTaker, 'caches'>>(
  taker: T,
  settings: OpenOptions & Own[T],
  beside: readonly string[],
): { own: Own[T]; ofCaches: OpenOptions } {
  const table: Readonly<Record<string, Option<unknown>>> = OPTIONS
  const isTakenBy = (who: OptionTaker, name: string) => Object.hasOwn(table, name) && takes(who, table[name]!)
  const known = [
    ...Object.keys(table).filter(
      name => (isTakenBy(taker, name) || isTakenBy('caches', name)) && table[name]!.only !== 'page',
    ),
    ...ON_NODE.beside,
    ...beside,
  ]
  // What only pages take is refused by the caches, which say so.
  const strange = Object.keys(settings).find(name => !known.includes(name) && !isTakenBy('caches', name))
  if (strange !== undefined) {
    const message = `unknown option "${strange}"; there are: ${known.sort().join(', ')}`
    throw new OpDbusError('INVALID_INPUT', message, { details: { option: strange } })
  }
  const given = Object.entries(settings).filter(([, value]) => value !== undefined)
  return {
    own: Object.fromEntries(given.filter(([name]) => isTakenBy(taker, name))) as Own[T],
    ofCaches: Object.fromEntries(given.filter(([name]) => !isTakenBy(taker, name))),
  }
}
