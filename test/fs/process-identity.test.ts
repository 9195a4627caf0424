// Who still runs: certain within one boot and pid namespace, unknown everywhere else; identities that version 0.1 wrote are understood.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { isDead, isOfEarlierBoot, livenessOf, pidPlace, thisProcess } from '../../src/fs/process-identity.js'
import { temporaryFolder } from '../support.js'

/** A process that has ended. */
const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid
const here = () => ({ place: pidPlace(), pid: process.pid })

describe.skipIf(process.platform !== 'linux')('on Linux, which names boot and namespace (skipped elsewhere)', () => {
  test('this process lives, one that ended is dead, whichever way it is written down', () => {
    const pid = deadPid()
    expect([livenessOf(thisProcess()), livenessOf(here())]).toEqual(['alive', 'alive'])
    expect([livenessOf({ ...thisProcess(), pid }), livenessOf({ ...here(), pid })]).toEqual(['dead', 'dead'])
  })

  test('a process of another boot, namespace or host is unknown, even where no process here has its id', () => {
    const pid = deadPid()
    const [boot, namespace, host] = pidPlace().split(' ')
    const elsewhere = [
      ['00000000-0000-4000-8000-000000000000', namespace, host],
      [boot, 'pid:[1]', host],
      [boot, namespace, `not-${host}`],
    ]
    for (const place of elsewhere) expect(livenessOf({ place: place.join(' '), pid })).toBe('unknown')
    expect(livenessOf({ boot: (thisProcess().boot + 1) >>> 0, pid })).toBe('unknown')
    const earlier = [...elsewhere, ['', '', ''], [boot, namespace, host]].map(place =>
      isOfEarlierBoot({ place: place.join(' '), pid }),
    )
    expect(earlier).toEqual([true, false, false, false, false])
    for (const nowhere of [
      { place: '', pid },
      { boot: 0, pid },
    ])
      expect(livenessOf(nowhere)).toBe('unknown')
    for (const pid of [0, -1]) expect(livenessOf({ ...here(), pid })).toBe('unknown')
  })

  test('what version 0.1 wrote into segments and locks names the same place; what it wrote with counts names none', () => {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
    const namespace = readlinkSync('/proc/self/ns/pid')
    const segment = createHash('sha256').update(`${boot} ${namespace}`).digest().readUInt32LE(0)
    const pid = deadPid()
    expect(isDead({ boot: segment, pid })).toBe(true)
    expect(isDead({ place: `${boot.trim()} ${namespace} ${hostname()}`, pid })).toBe(true)
    expect(livenessOf({ place: boot.trim(), pid })).toBe('unknown')
  })

  test('from inside another pid namespace a process out here is unknown and not dead', async ({ skip }) => {
    const unshare = (...args: string[]) => spawnSync('unshare', ['-r', '-p', '-f', ...args], { encoding: 'utf8' })
    if (unshare('true').status !== 0) skip('no pid namespace may be made here')
    const outfile = join(temporaryFolder(), 'identity.mjs')
    const entry = join(import.meta.dirname, '../../src/fs/process-identity.ts')
    await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'error' })
    const script = `
      const { livenessOf, thisProcess } = await import(${JSON.stringify(outfile)})
      let seen = true
      try { process.kill(${process.pid}, 0) } catch { seen = false }
      const out = ${JSON.stringify([thisProcess(), here()])}
      console.log(JSON.stringify([seen, ...out.map(livenessOf), livenessOf(thisProcess())]))`
    const inside = unshare(process.execPath, '--input-type=module', '-e', script)
    expect(inside.stderr).toBe('')
    expect(JSON.parse(inside.stdout)).toEqual([false, 'unknown', 'unknown', 'alive'])
  })
})

test.skipIf(process.platform === 'linux')(
  'where the system names no namespace the host has to do (skipped on Linux)',
  () => {
    expect([livenessOf(here()), livenessOf({ ...here(), pid: deadPid() })]).toEqual(['alive', 'dead'])
    expect(thisProcess().boot).toBe(0)
  },
)
