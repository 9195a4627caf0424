// Calls on a store that must not be taken for done when they are not: removing and clearing. Rejections name the tier.
import { isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import type { Store, TierName, Timer } from '../ports.js'
import type { TierPolicy } from './tier-policy.js'
import { within } from './within.js'

/** Empties the store of a tier. Rejects when it cannot be emptied, saying which tier that is. */
export function clearStore(source: TierName, store: Store, policy: TierPolicy, timer?: Timer): Promise<void> {
  const { clearTimeoutMs: writeTimeoutMs = policy.writeTimeoutMs } = policy
  return insist('clear', source, store, { writeTimeoutMs }, () => store.clear(), timer)
}

/** What must not be taken for done when it is not: a tier that cannot be reached is named. */
export async function insist<T>(
  what: string,
  source: TierName,
  store: Store,
  policy: { readonly writeTimeoutMs?: number | undefined },
  work: () => Promise<T>,
  timer?: Timer,
): Promise<T> {
  try {
    return await within(policy.writeTimeoutMs, work, timer)
  } catch (error) {
    if (source === 'disk' && isOpDbusError(error)) throw error
    const message = `cannot ${what} the ${source} cache (${store.name}): ${messageOf(error)}`
    throw new OpDbusError('STORE', message, { cause: error, details: { tier: source } })
  }
}

/** A count as a store tells it; 0 for what is none. */
export function wholeNumber(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0
}
