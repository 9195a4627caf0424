// A clear of all that machines share, in its order: others are told before anything is removed, and what cannot be done of it is said.
// Knows no server.
import type { OpDbusError } from '../../errors.js'
import { inOneLine } from './node-link.js'

export interface ClearSteps {
  /** From then on what was stored before is nobody's. */
  readonly tell: () => Promise<void>
  /** Makes room. */
  readonly remove: () => Promise<void>
  readonly warn: (sentence: string, cause: unknown) => void
  readonly asError: (why: string, cause: unknown) => OpDbusError
}

/** @throws OpDbusError STORE where others could not be told */
export async function clearEverywhere({ tell, remove, warn, asError }: ClearSteps): Promise<void> {
  // First, so that nothing from before is believed by anybody, whoever is down or is still writing it.
  const told = await tell().then(
    () => true,
    () => false,
  )
  const failure = await remove().then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  // What was removed has made room.
  if (!told) {
    await tell().catch((error: unknown) => {
      const why = inOneLine(error)
      const rest = failure && inOneLine(failure.error)
      // Mostly both have one cause, which is said once.
      const removed = failure === undefined ? 'its values were removed, but' : 'not all values were removed, and'
      const other = rest === undefined || rest.includes(why) ? '' : `; of the values: ${rest}`
      const sentence = `${removed} other machines could not be told and go on with their copies; clear it again`
      throw asError(`${sentence}: ${why}${other}`, error)
    })
  }
  if (failure === undefined) return
  const rest = 'was cleared, and machines are told; some of what nobody reads any more stays until its time is over'
  warn(`${rest}: ${inOneLine(failure.error)}`, failure.error)
}
