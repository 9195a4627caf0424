// The lockfile of models lies beside their folder; one that lies inside, as earlier versions put it, holds and is moved.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { NODE_IO } from '../../src/hub/io.js'
import { readRecords, recordOf, writeRecord } from '../../src/hub/lockfile.js'
import { type ModelPlace, modelPlaces } from '../../src/hub/places.js'
import { removeModel } from '../../src/hub/store.js'
import { temporaryFolder } from '../support.js'
import { hubOptions, lockFile, pull, scene, TINY, useHub } from './harness.js'

useHub()

const SCAN = 'import sys, huggingface_hub as h; print(len(h.scan_cache_dir(sys.argv[1]).warnings))'
const noHub = spawnSync('python3', ['-c', 'import huggingface_hub']).status !== 0

test.skipIf(noHub)('huggingface_hub finds nothing strange in the folder (skipped without it)', async () => {
  await pull()
  for (const where of [{ HF_HUB_CACHE: undefined, OP_DBUS_MODEL_DIR: join(scene.home, 'own') }, {}]) {
    await pull({}, where)
    const folder = where.OP_DBUS_MODEL_DIR ?? scene.cache
    expect(spawnSync('python3', ['-c', SCAN, folder], { encoding: 'utf8' }).stdout).toBe('0\n')
  }
})

describe('a lock file inside the folder of models, where it once was', () => {
  const inside = () => join(scene.cache, 'op-dbus-models.lock.json')
  const entry = () => JSON.parse(readFileSync(existsSync(inside()) ? inside() : lockFile(), 'utf8')).models

  /** A folder as an earlier version left it, and a hub that has moved on. */
  async function earlier(): Promise<string> {
    await pull()
    const lock = JSON.parse(readFileSync(lockFile(), 'utf8'))
    lock.models['org/other'] = { commit: 'd'.repeat(40), files: {} }
    writeFileSync(inside(), JSON.stringify(lock))
    rmSync(lockFile())
    const { commit } = scene
    scene.hub.push(TINY.id, { ...TINY.files, 'config.json': '{}' })
    return commit
  }

  test('holds, and is moved by the next pull with all that it says', async () => {
    const commit = await earlier()
    rmSync(join(scene.cache, TINY.folder), { recursive: true })
    expect((await pull()).commit).toBe(commit)
    expect(existsSync(inside())).toBe(false)
    expect(Object.keys(entry())).toEqual(['org/other', TINY.id])
  })

  test('is moved also where nothing has to be fetched', async () => {
    const commit = await earlier()
    expect(await pull()).toMatchObject({ commit, downloaded: 0 })
    expect(existsSync(inside())).toBe(false)
    expect(entry()[TINY.id].commit).toBe(commit)
  })

  test('goes before the one outside, which an earlier version does not know', async () => {
    const commit = await earlier()
    await pull({ update: true })
    const lock = { version: 1, models: { [TINY.id]: { commit, files: {} } } }
    writeFileSync(inside(), JSON.stringify(lock))
    const [place] = modelPlaces(hubOptions())
    expect(await recordOf(place!, TINY.id)).toMatchObject({ commit, lockFile: inside() })
    expect((await recordOf(place!, 'org/other'))?.lockFile).toBe(lockFile())
  })

  test('removing the model forgets it there as well', async () => {
    await earlier()
    await removeModel(TINY.id, hubOptions(), { force: true })
    expect(Object.keys(entry())).toEqual(['org/other'])
    expect((await pull()).commit).not.toBe(scene.commit)
  })

  test('stays where the folder is on a disk of its own, which outlives what it is mounted into', async () => {
    const commit = await earlier()
    const [place] = modelPlaces(hubOptions())
    const walled = { ...place!, lockFile: '/proc/op-dbus-models.lock.json' }
    const model = { commit: 'e'.repeat(40), files: [] }
    await writeRecord(walled, 'org/new', model, { io: NODE_IO, signal: undefined })
    expect(await recordOf(walled, 'org/new')).toMatchObject({ ...model, lockFile: inside() })
    expect((await recordOf(walled, TINY.id))?.commit).toBe(commit)
  })
})

test('records that are written at once all stay', async () => {
  const dir = temporaryFolder()
  const place: ModelPlace = { dir, plain: false, lockFile: join(dir, 'models.lock.json') }
  const options = { io: NODE_IO, signal: undefined }
  const ids = Array.from({ length: 8 }, (_, i) => `org/model${i}`)
  const model = {
    commit: 'c'.repeat(40),
    files: [{ path: 'x', bytes: 1, blob: 'b'.repeat(40), sha256: 'a'.repeat(64) }],
  }
  await Promise.all(ids.map(id => writeRecord(place, id, model, options)))
  expect([...(await readRecords(place)).keys()]).toEqual(ids)
  await Promise.all(ids.slice(1).map(id => writeRecord(place, id, undefined, options)))
  expect([...(await readRecords(place)).entries()]).toEqual([[ids[0], { ...model, lockFile: place.lockFile }]])
})
