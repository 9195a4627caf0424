// The chain, or an error that says why there is none.
import type { Chain } from '../blockchain.js'
import { OpDbusError } from '../errors.js'
import type { ServerContext } from './context.js'

/** @throws OpDbusError DISABLED where the daemon keeps none */
export function mustHaveChain({ chain }: ServerContext): Chain {
  if (chain) return chain
  throw new OpDbusError(
    'DISABLED',
    'this daemon keeps no chain: it has no folder for one; set OPDBUS_DATA_DIR or --data-dir',
  )
}
