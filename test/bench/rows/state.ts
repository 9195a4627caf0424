// Questions about a system that were asked before, and a large state against one that differs in a leaf.
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import type { StatePlugin } from '../../../src/state/plugin.js'
import { inNode } from '../child.js'
import type { Library } from '../library.js'
import { median, nanosecondsPerCall, secondsOf, takeTurns } from '../measure.js'
import { type Bench, type Measured, type RowGroup, WrongAnswer } from '../row.js'

const PLUGIN = 'net@1:unix:/var/run/openvswitch/db.sock'

/**
 * A cached query with all that keeps it from being older than another process's change, against the least that others' parts take
 * for it: a look into memory, and one at a small file.
 */
export const queryHit: RowGroup = {
  id: 'query-hit',
  async run({ library, folder, rounds, progress }: Bench): Promise<Measured[]> {
    const state = stateOf(10)
    const caches = await library.openCaches({ dir: folder, queryCacheTtl: 3600 })
    try {
      const ask = () => caches.queries.getOrCompute(PLUGIN, () => state, { frozen: true })
      await ask()
      const lru = new LRUCache<string, object>({ max: 1000 })
      lru.set(PLUGIN, state)
      const file = join(folder, 'a-small-file')
      writeFileSync(file, 'x'.repeat(100))
      const peersLook = () => statSync(file, { throwIfNoEntry: false }) && lru.get(PLUGIN)
      if (caches.queries.view(PLUGIN) !== state) throw new WrongAnswer('view() has not got it')
      if ((await ask()).source !== 'memory') throw new WrongAnswer('getOrCompute() asked again')

      const [view, awaited, peer] = await takeTurns(
        [
          { name: 'view()', round: () => nanosecondsPerCall(() => caches.queries.view(PLUGIN)) },
          { name: 'getOrCompute()', round: () => nanosecondsPerCall(ask) },
          { name: 'get', round: () => nanosecondsPerCall(peersLook) },
        ],
        rounds,
        round => progress(`round ${round} of ${rounds}`),
      )
      await caches.queries.delete(PLUGIN)
      if (caches.queries.view(PLUGIN) !== undefined) throw new WrongAnswer('an answer from before a change')
      const name = 'lru-cache get + statSync'
      const row = { unit: 'ns', peer: { name, value: peer }, hold: { side: 'at most', plus: 2000 } } as const
      return [
        { id: 'query-hit', what: 'cached query, checked against other processes’ changes', ours: view, ...row },
        { id: 'query-hit-awaited', what: 'the same, awaited', ours: awaited, ...row },
      ]
    } finally {
      await caches.close()
    }
  },
}

/** As JSON just over 1 MB. */
const INTERFACES = 5500
const DIFFS = 11
const MEGABYTES = 256

export const diffMegabyte: RowGroup = {
  id: 'diff-1mb',
  async run({ library, folder, progress }: Bench): Promise<Measured[]> {
    progress('in a process of its own')
    const { seconds, residentBytes } = await inNode<Diffed>(
      library,
      [`--max-old-space-size=${MEGABYTES}`],
      'diff',
      folder,
    )
    const what = 'diff of a state of 1 MB with one that differs in a leaf'
    return [
      { id: 'diff-1mb', what, unit: 's', ours: median(seconds.slice(1)), hold: { side: 'at most', plus: 0.05 } },
      { id: 'diff-1mb-first', what: 'the first of a process', unit: 's', ours: seconds[0]! },
      {
        id: 'diff-1mb-memory',
        what: 'memory of that process at its peak, as the system counts it',
        unit: 'MB',
        ours: residentBytes / 1e6,
        hold: { side: 'at most', plus: MEGABYTES },
      },
    ]
  },
}

interface Diffed {
  readonly seconds: number[]
  readonly residentBytes: number
}

/** The child's part: the same current state each time, cached, and another desired one. */
export async function diffTask(library: Library, dataDir = ''): Promise<Diffed> {
  const { openState } = await library.importState()
  const current = stateOf(INTERFACES)
  const plugin: StatePlugin = {
    name: 'large',
    version: '1',
    resources: { interfaces: { key: 'name' } },
    capabilities: { apply: true, atomic: false, rollback: false, watch: false },
    apply: async () => {},
    query: async () => current,
  }
  const state = await openState({ plugins: [plugin], dataDir, dir: join(dataDir, 'cache'), queryCacheTtl: 3600 })
  try {
    await state.query(['large'])
    const seconds: number[] = []
    for (let number = 0; number < DIFFS; number++) {
      const desired = { version: 1, plugins: { large: stateOf(INTERFACES, number) } } as const
      let changed: unknown
      seconds.push(
        await secondsOf(async () => {
          const { diffs } = await state.diff(desired)
          changed = diffs[0]?.actions.filter(({ kind }) => kind !== 'none')
        }),
      )
      check(changed, number)
    }
    return { seconds, residentBytes: 1024 * process.resourceUsage().maxRSS }
  } finally {
    await state.close()
  }
}

function check(changed: unknown, number: number): void {
  const resource = { collection: 'interfaces', name: nameOf(number) }
  const wanted = [{ kind: 'modify', resource, changes: [{ path: '/mtu', old: 1500, new: 9000 }] }]
  if (JSON.stringify(changed) !== JSON.stringify(wanted)) {
    throw new WrongAnswer(`one mtu differs, but the diff says ${JSON.stringify(changed)}`)
  }
}

/** `other`: the number of the interface that has another mtu. */
function stateOf(interfaces: number, other = -1) {
  return {
    interfaces: Array.from({ length: interfaces }, (_, number) => ({
      name: nameOf(number),
      type: 'internal',
      mtu: number === other ? 9000 : 1500,
      mac: `02:00:00:00:${hex(number >> 8)}:${hex(number & 255)}`,
      addresses: [`10.0.${number >> 8}.${number & 255}/24`],
      external_ids: { 'iface-id': `vm-${number}`, owner: 'op-dbus' },
    })),
  }
}

function nameOf(number: number): string {
  return `eth${number}`
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
