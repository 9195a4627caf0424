// To be written by its owner (keep): what lies on disk of each space of embeddings, and how one of them is emptied. Part of the Node root.
import type { DiskSize } from '../caches/cache-set.js'

export interface SpaceOnDisk extends DiskSize {
  readonly space: string
  readonly description: Readonly<Record<string, string | number | boolean>>
  readonly dims: number
  /** Unix ms of its oldest and newest file. */
  readonly oldest: number
  readonly newest: number
}

/** Every space in the cache folder `dir`, the largest first. Opens none of them to write. @throws OpDbusError STORE */
export async function listSpaces(_dir: string): Promise<readonly SpaceOnDisk[]> {
  throw new Error('to be written')
}

/** Empties one space; running processes notice. @throws OpDbusError INVALID_INPUT where there is none, STORE */
export async function clearSpace(_dir: string, _space: string): Promise<DiskSize> {
  throw new Error('to be written')
}
