// How many vectors there are in each space, as its files say. Opens no model, and changes nothing.
import type { VectorStats } from '../reports.js'
import type { VectorFolder } from '../store/vector-folder.js'

/** `size`: of the chain, in blocks. @throws OpDbusError STORE */
export async function countVectors(folder: VectorFolder, size: number): Promise<VectorStats[]> {
  const stats: VectorStats[] = []
  for (const { space, model } of folder.spaces()) {
    const files = folder.open(space)
    try {
      const pending = Math.max(0, size - (files?.seal().next ?? 0))
      stats.push({ space, ...(model !== undefined && { model }), vectors: (await files?.vectors()) ?? 0, pending })
    } finally {
      files?.close()
    }
  }
  return stats
}
