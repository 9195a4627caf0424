// Embeddings that somebody asks for by their names on disk: `op-dbus cache warm --hot`, `--trace`, through a daemon. Part of the Node root.
import type { LoadedAhead } from '../../caches/cache-set.js'
import type { Opened } from '../../caches/embedding-parts.js'
import type { Key } from '../../ports.js'
import { loadAhead } from './load-ahead.js'
import { packNames } from './names.js'
import type { TuningCall } from './part.js'

/** How long one call may take, ms. */
const BUDGET_MS = 10_000

/** A key that is given twice counts once. Undefined where nothing is kept on disk, or it is not known yet what computes. Throws what the disk says. */
export async function loadKeys(
  { set, clock, vectors }: TuningCall,
  keys: readonly Key[],
  signal?: AbortSignal,
): Promise<LoadedAhead | undefined> {
  const store = vectors()
  if (store === undefined || !set.embeddings.opened) return undefined
  let opened: Opened | undefined
  set.embeddings.onOpened(parts => {
    opened = parts
  })
  const loaded = await loadAhead(
    opened!,
    store,
    { names: packNames([...new Set(keys)]) },
    { clock, budgetMs: BUDGET_MS, signal },
  )
  if (loaded.error !== undefined) throw loaded.error
  return loaded
}
