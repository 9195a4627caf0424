// A disk that is full, files that may not grow, folders that nobody may write to: an append fails whole and says why, and reading goes on.
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { onPath } from '../../programs.js'
import { temporaryFolder } from '../../support.js'
import { smallChain } from './bases.js'
import { checkChain } from './checking.js'
import { Child } from './children.js'
import { limitFiles } from './limit-files.js'
import { mount, mountPoint, unmount, unmountLeft } from './mounts.js'
import { Oracle } from './oracle.js'

const root = process.getuid?.() === 0
const WRITER = { role: 'write', name: 'w', seed: 1, width: 2, largest: 3, bytes: 8_000 } as const
const count = (events: readonly { readonly kind: string }[], kind: string) =>
  events.filter(event => event.kind === kind).length

describe.skipIf(!root || onPath('mount') === undefined)('a disk that gets full (root mounts it)', () => {
  it('fails an append whole, and goes on once there is room', async () => {
    unmountLeft()
    const work = temporaryFolder()
    const disk = mountPoint(work, 'small')
    mount('-t', 'tmpfs', '-o', 'size=1m', 'none', disk)
    try {
      await fillDisk(disk, join(work, 'room'))
    } finally {
      unmount(disk)
    }
  })
})

async function fillDisk(disk: string, waitsFor: string): Promise<void> {
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(300_000))
  const oracle = new Oracle()
  const dir = join(disk, 'data')
  const writer = await Child.start({ ...WRITER, dir, calls: 1e9, waitsFor }, { onEvent: oracle.hear })
  await writer.until(events => count(events, 'failed') >= 2)
  // It is full still: others can read.
  await checkChain(oracle, dir, { append: false })
  rmSync(join(disk, 'ballast'))
  const had = count(writer.events, 'acknowledged')
  writeFileSync(waitsFor, '')
  await writer.until(events => count(events, 'acknowledged') >= had + 5)
  await writer.kill()
  await checkChain(oracle, dir, { strangers: true })
  console.log(`full disk: ${oracle.failed} calls failed, ${oracle.acknowledged} blocks were acknowledged`)
  expect(writer.stderr).toBe('')
  expect(oracle.faults).toEqual([])
}

describe.skipIf(onPath('sh') === undefined)('files that may not grow', () => {
  it('fail an append whole', async () => {
    const { faults, failed, acknowledged } = await limitFiles(join(temporaryFolder(), 'data'))
    console.log(`a limit of 200 KiB: ${failed} calls failed, ${acknowledged} blocks were acknowledged`)
    expect(failed).toBeGreaterThan(0)
    expect(faults).toEqual([])
  })
})

const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']

/** Why another user cannot run what was built: undefined where it can. */
function unreadable(): string | undefined {
  const [program, ...args] = [
    ...AS_NOBODY,
    'test',
    '-r',
    fileURLToPath(new URL('../../../dist/blockchain.js', import.meta.url)),
  ]
  return spawnSync(program!, args).status === 0 ? undefined : 'this folder is closed to other users'
}

describe('folders that nobody may write to', () => {
  it.skipIf(!root || onPath('unshare') === undefined)('are read where they are mounted read-only', async () => {
    const dir = await smallChain(join(temporaryFolder(), 'data'))
    const script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    const through = ['unshare', '-m', '--propagation', 'private', 'sh', '-c', script, dir]
    const oracle = new Oracle()
    const checked = await checkChain(oracle, dir, {
      through,
      later: 'possible',
      refusal: /^STORE: .*cannot be written to/s,
    })
    expect(oracle.faults).toEqual([])
    expect(checked?.before.size).toBe(3)
  })

  it.skipIf(!root || onPath('setpriv') === undefined)('are read by another user who may read', async ({ skip }) => {
    skip(unreadable() !== undefined, unreadable())
    const work = temporaryFolder()
    const dir = await smallChain(join(work, 'data'))
    spawnSync('chmod', ['-R', 'a+rX', dir])
    chmodSync(dirname(dir), 0o755)
    const through = AS_NOBODY
    const oracle = new Oracle()
    const checked = await checkChain(oracle, dir, {
      through,
      later: 'possible',
      refusal: /^STORE: .*(permission|not permitted)/s,
    })
    expect(oracle.faults).toEqual([])
    expect(checked?.before.size).toBe(3)
  })

  it.skipIf(!root || onPath('setpriv') === undefined)('say so to one who may not', async ({ skip }) => {
    skip(unreadable() !== undefined, unreadable())
    const work = temporaryFolder()
    const dir = await smallChain(join(work, 'data'))
    chmodSync(dirname(dir), 0o755)
    const through = AS_NOBODY
    const child = await Child.start({ role: 'check', name: 'other', dir, append: false }, { through })
    await child.end()
    expect(child.stderr).toMatch(/OpDbusError.*permission/s)
  })
})
