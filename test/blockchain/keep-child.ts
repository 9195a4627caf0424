// A process that prunes, makes a snapshot, restores one or repairs, and is killed before its Nth call that changes a file: `keep-child.mjs JSON`.
// Ends with how many calls there were, where it comes to its end.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { type KeepTask, keepParts } from './keep-support.js'

const { dataDir, work, killAt, segmentBytes }: KeepTask = JSON.parse(process.argv[2]!)

let calls = 0
const step = () => {
  if (++calls === killAt) process.kill(process.pid, 'SIGKILL')
}
/** Everything that changes what another process finds; a sync changes that only for a loss of power. */
const CHANGES =
  /^(write|writev|appendFile|writeFile|ftruncate|truncate|rename|link|unlink|rm|rmdir|mkdir|copyFile)(Sync)?$/

function counted(holder: Record<string, unknown>): void {
  for (const name of Object.getOwnPropertyNames(holder)) {
    const original = holder[name]
    if (!CHANGES.test(name) || typeof original !== 'function') continue
    holder[name] = function (this: unknown, ...args: unknown[]) {
      // How the lock is taken is the store's own concern, and test.
      if (!/\/lock[^/]*$/.test(String(args[0]))) step()
      return original.apply(this, args)
    }
  }
}

const handle = await fs.promises.open('/dev/null')
counted(Object.getPrototypeOf(handle))
await handle.close()
counted(fs as unknown as Record<string, unknown>)
counted(fs.promises as unknown as Record<string, unknown>)
syncBuiltinESMExports()

const { pruneChain } = await import('../../src/blockchain/prune.js')
const { makeSnapshot, restoreSnapshot } = await import('../../src/blockchain/snapshots.js')
const { repairChain } = await import('../../src/blockchain/repair.js')
const parts = keepParts(dataDir, segmentBytes)
if (work === 'prune') await pruneChain(parts, { last: 3 })
if (work === 'snapshot') await makeSnapshot(parts, 'new', {})
if (work === 'repair') await repairChain(parts, { dropBodies: true })
if (work === 'restore') await restoreSnapshot(parts, 'old', {})
await parts.store.close()
process.stdout.write(String(calls))
