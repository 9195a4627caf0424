// The Python that has libCacheSim, an independent simulator of caches, where this machine has one.
import { spawnSync } from 'node:child_process'
import { onPath } from '../programs.js'

/** Its path, or what it lacks: `OP_DBUS_CLIENT_PYTHON`, else `python3` of the path. */
export const simulator: { readonly python: string } | { readonly missing: string } = (() => {
  const python = process.env.OP_DBUS_CLIENT_PYTHON ?? onPath('python3')
  if (python === undefined) return { missing: 'no python3' }
  const { status } = spawnSync(python, ['-c', 'import libcachesim'], { stdio: 'ignore' })
  return status === 0 ? { python } : { missing: 'python3 has no libcachesim: pip install libcachesim' }
})()
