// The Python that has libCacheSim, an independent simulator of caches, where this machine has one.
import { spawnSync } from 'node:child_process'

/** Its path, or why there is none. `OP_DBUS_PYTHON` names one that is not on the path. */
export const simulator: { readonly python: string } | { readonly missing: string } = (() => {
  const python = process.env.OP_DBUS_PYTHON ?? 'python3'
  const { status } = spawnSync(python, ['-c', 'import libcachesim'], { stdio: 'ignore' })
  return status === 0
    ? { python }
    : { missing: 'no libcachesim here; pip install libcachesim, and OP_DBUS_PYTHON names that Python' }
})()
