// Which files are the chain's own: what others ask to have written must not take their place. Writes nothing.
import { OpDbusError } from '../errors.js'
import { isWithin } from '../fs/folders.js'
import type { ChainParts } from './chain-parts.js'

/**
 * For whatever is written where somebody says: a proof in the place of a segment, or of the key, would be the end of the chain.
 * @throws OpDbusError INVALID_INPUT for a path in the folder of the chain or in that of its snapshots, by whatever links it gets there
 */
export function refuseOwn({ store, snapshotsDir }: Pick<ChainParts, 'store' | 'snapshotsDir'>, path: string): void {
  const own = [store.dir, snapshotsDir].find(dir => isWithin(path, dir))
  if (own === undefined) return
  throw new OpDbusError(
    'INVALID_INPUT',
    `${path} lies in ${own}, where only the chain itself writes\nnothing was written: choose another place`,
    { details: { file: path } },
  )
}
