// Why the tuner changes something, in the words that logs and screens show beside the change. Pure.
import { duration, bytes as inBytes } from '../../format.js'
import type { CacheName } from '../../ports.js'
import type { Move, Switch } from './decide.js'

/** Why that cache changes: who gives and who takes have each a reason of their own. */
export type Reason = (cache: CacheName) => string

/** `seconds`: of the period in which it was measured. */
export function moveReason({ from, to, bytes, won, lost }: Move, seconds: number): Reason {
  const size = inBytes(bytes)
  // Less than a microsecond a second shows as 0.
  const saved = lost / seconds < 1 ? 'nothing' : rate(lost, seconds)
  return cache =>
    cache === to.name
      ? `taken from ${from.name}: ${size} save ${rate(won, seconds)} more here, and ${saved} less there`
      : `given to ${to.name}: ${size} save ${rate(won, seconds)} more there, and ${saved} less here`
}

export function switchReason({ policy, won }: Switch, seconds: number): Reason {
  return () => `${policy} saves ${rate(won, seconds)} more`
}

/** `1.2 ms a second` */
function rate(micros: number, seconds: number): string {
  return `${duration(micros / 1000 / seconds)} a second`
}
