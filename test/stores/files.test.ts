// The file store: the shared contract, then what only files can get wrong.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Key } from '../../src/ports.js'
import { type FileStoreOptions, openFileStore } from '../../src/stores/files.js'
import { storeContract } from '../../src/testing.js'
import { crc32, hash, TestClock } from '../support.js'

const open = (dir: string, options: Partial<FileStoreOptions> = {}) =>
  openFileStore({ name: 'test', dir, maxEntries: 1000, clock: new TestClock(), hash, crc32, ...options })

const key = (name: string) => name as Key
const json = (value: unknown) => Buffer.from(JSON.stringify(value))

storeContract(
  'files',
  {
    medium() {
      const dir = join(tmpdir(), `op-dbus-files-${randomBytes(6).toString('hex')}`)
      return { open: () => open(dir), remove: () => rmSync(dir, { recursive: true, force: true }) }
    },
  },
  { describe, it },
)

describe('file store', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'op-dbus-files-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  it('writes files that people and JSON.parse can read, private to their owner', async () => {
    const store = open(join(dir, 'sub'))
    await store.setMany([[key('net'), json({ interfaces: ['eth0'] })]])
    const file = JSON.parse(readFileSync(join(dir, 'sub', 'net.json'), 'utf8'))
    expect(file.document).toEqual({ interfaces: ['eth0'] })
    expect(statSync(join(dir, 'sub', 'net.json')).mode & 0o777).toBe(0o600)
    expect(statSync(join(dir, 'sub')).mode & 0o777).toBe(0o700)
    await store.close()
  })

  it('never serves a damaged file: every bit flipped in turn, every length cut', async () => {
    const store = open(dir)
    const value = json({ state: 'up', n: 12 })
    await store.setMany([[key('net'), value]])
    const path = join(dir, 'net.json')
    const good = readFileSync(path)
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = Buffer.from(good)
      bad[bit >> 3]! ^= 1 << (bit & 7)
      writeFileSync(path, bad)
      expect(store.getSync(key('net'))).toBeUndefined()
    }
    for (let length = 0; length < good.length; length++) {
      writeFileSync(path, good.subarray(0, length))
      expect(store.getSync(key('net'))).toBeUndefined()
    }
    // What does not begin as a file of ours is somebody else's, and no damage.
    expect(store.counters.damaged).toBe(9 * (good.length - '{"op-dbus":1,"crc32":"'.length))
    writeFileSync(path, good)
    expect(store.getSync(key('net'))).toEqual(new Uint8Array(value))
    await store.close()
  })

  it('does not serve one entry’s file under another’s name', async () => {
    const store = open(dir)
    await store.setMany([[key('net'), json(1)]])
    writeFileSync(join(dir, 'lxc.json'), readFileSync(join(dir, 'net.json')))
    expect(store.getSync(key('lxc'))).toBeUndefined()
    await store.close()
  })

  it('repairs what a power cut left empty or zeroed', async () => {
    const store = open(dir)
    for (const left of [Buffer.alloc(0), Buffer.alloc(300)]) {
      writeFileSync(join(dir, 'net.json'), left)
      expect(store.getSync(key('net'))).toBeUndefined()
      await store.setMany([[key('net'), json(2)]])
      expect(store.getSync(key('net'))).toEqual(new Uint8Array(json(2)))
    }
    await store.close()
  })

  it('leaves alone what is not ours: files, links, folders and pipes under our names', async () => {
    const store = open(dir)
    await store.setMany([[key('mine'), json(1)]])
    const secret = join(dir, 'secret.txt')
    writeFileSync(secret, 'secret')
    writeFileSync(join(dir, 'notes.json'), '{"a":1}')
    symlinkSync(secret, join(dir, 'link.json'))
    mkdirSync(join(dir, 'folder.json'))
    execFileSync('mkfifo', [join(dir, 'pipe.json')])
    const names = ['notes', 'link', 'folder', 'pipe'].map(key)
    expect(await store.getMany(names)).toEqual([undefined, undefined, undefined, undefined])
    await store.setMany(names.map(name => [name, json(9)]))
    expect(await store.deleteMany(names)).toBe(0)
    await store.clear()
    expect(readFileSync(join(dir, 'notes.json'), 'utf8')).toBe('{"a":1}')
    expect(readFileSync(secret, 'utf8')).toBe('secret')
    expect(readdirSync(dir).sort()).toEqual(
      ['.epoch', 'folder.json', 'link.json', 'notes.json', 'pipe.json', 'secret.txt'].sort(),
    )
    await store.close()
  })

  it('counts only what is an entry', async () => {
    const store = open(dir, { isEntry: key => !key.endsWith('.token') })
    await store.setMany([
      [key('net'), json(1)],
      [key('net.token'), json('token')],
      [key('lxc.token'), json('token')],
    ])
    const { bytes, entries } = await store.size()
    expect([entries, bytes]).toEqual([1, statSync(join(dir, 'net.json')).size])
    const keys = []
    for await (const entry of store.list()) keys.push(entry.key)
    expect(keys).toEqual(['net'])
    writeFileSync(join(dir, 'lxc.token.json'), readFileSync(join(dir, 'net.token.json')))
    expect(await store.verify()).toEqual({ files: 3, entries: 1, damaged: 1, bytes, foreign: 0 })
    await store.clear()
    expect(readdirSync(dir)).toEqual(['.epoch'])
  })

  it('removes what outlives the others by its name or its age alone', async () => {
    const clock = new TestClock()
    const options = { clock, maxEntries: 4, maxAgeMs: () => 1e6 }
    const store = open(dir, { ...options, outlives: name => name.endsWith('.hold') })
    store.setSync(key('a.hold'), json(1))
    store.setSync(key('b.hold'), json(1))
    const old = clock.now() / 1000 - 500
    for (const name of ['a', 'b']) utimesSync(join(dir, `${name}.hold.json`), old, old)
    for (let i = 0; i < 8; i++) store.setSync(key(`net-${i}`), json(1))
    expect(store.keysSync()).toEqual(expect.arrayContaining(['a.hold', 'b.hold']))
    expect(store.counters.evicted).toBeGreaterThan(0)
    await store.clear()
    expect(store.keysSync().toSorted()).toEqual(['a.hold', 'b.hold'])
    await store.deleteMany([key('b.hold')])
    clock.advance(2e6)
    const later = open(dir, options)
    expect(later.getSync(key('a.hold'))).toBeUndefined()
    expect(later.keysSync()).toEqual([])
  })

  it('leaves empty files and an epoch of the user alone, and does not clear through a link', async () => {
    for (const name of ['todo.json', '.epoch']) writeFileSync(join(dir, name), name === '.epoch' ? 'mine' : '')
    const clock = new TestClock()
    const old = clock.now() / 1000 - 1000
    utimesSync(join(dir, 'todo.json'), old, old)
    const store = open(dir, { clock, maxAgeMs: () => 1 })
    expect(store.getSync(key('net'))).toBeUndefined()
    await store.clear()
    expect(await store.verify()).toMatchObject({ files: 0, foreign: 1 })
    expect(readFileSync(join(dir, '.epoch'), 'utf8')).toBe('mine')
    expect(readdirSync(dir).sort()).toEqual(['.epoch', 'todo.json'])
    await store.setMany([[key('net'), json(1)]])
    symlinkSync(dir, `${dir}-link`)
    try {
      const linked = open(`${dir}-link`)
      await expect(linked.clear()).rejects.toMatchObject({ code: 'STORE' })
      await expect(linked.setMany([[key('lxc'), json(1)]])).rejects.toMatchObject({ code: 'STORE' })
      await linked.close()
      expect(store.getSync(key('net'))).toBeDefined()
    } finally {
      rmSync(`${dir}-link`)
    }
    await store.close()
  })

  it('keeps the newest maxEntries', async () => {
    const store = open(dir, { maxEntries: 10 })
    for (let n = 0; n < 25; n++) {
      await store.setMany([[key(`b${n}`), json(n)]])
      utimesSync(join(dir, `b${n}.json`), n, n)
      expect((await store.size()).entries).toBeLessThanOrEqual(10)
    }
    expect(store.getSync(key('b24'))).toBeDefined()
    expect(store.getSync(key('b14'))).toBeUndefined()
    await store.close()
  })

  it('removes expired files and orphaned temporary files at the first look', async () => {
    const clock = new TestClock()
    const writer = open(dir, { clock })
    await writer.setMany([
      [key('old'), json(1)],
      [key('new'), json(2)],
    ])
    writeFileSync(join(dir, '.old.0123abcd.tmp'), 'x')
    writeFileSync(join(dir, '.user.tmp'), 'theirs')
    const now = clock.now() / 1000
    utimesSync(join(dir, 'old.json'), now - 100, now - 100)
    utimesSync(join(dir, 'new.json'), now, now)
    utimesSync(join(dir, '.old.0123abcd.tmp'), now - 100, now - 100)
    const store = open(dir, { clock, maxAgeMs: () => 50_000 })
    expect(store.getSync(key('old'))).toBeUndefined()
    expect(readdirSync(dir).sort()).toEqual(['.user.tmp', 'new.json'])
    await Promise.all([store.close(), writer.close()])
  })

  it('tells once that another store cleared the folder', async () => {
    const [one, two] = [open(dir), open(dir)]
    await one.setMany([[key('a'), json(1)]])
    expect(two.clearedElsewhere()).toBe(false)
    await one.clear()
    expect(one.clearedElsewhere()).toBe(false)
    expect(two.clearedElsewhere()).toBe(true)
    expect(two.clearedElsewhere()).toBe(false)
    await Promise.all([one.close(), two.close()])
  })

  it('says STORE when the folder cannot be made, and works once it can', async () => {
    writeFileSync(join(dir, 'in-the-way'), '')
    const store = open(join(dir, 'in-the-way', 'blocks'))
    await expect(store.setMany([[key('a'), json(1)]])).rejects.toMatchObject({ code: 'STORE' })
    expect(store.getSync(key('a'))).toBeUndefined()
    rmSync(join(dir, 'in-the-way'))
    await store.setMany([[key('a'), json(1)]])
    expect(store.getSync(key('a'))).toBeDefined()
    await store.close()
  })
})
