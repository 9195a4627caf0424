// `op-dbus assets`: what it copies, what it leaves alone, and what it takes away again.
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCli } from '../processes.js'
import { temporaryFolder } from '../support.js'

interface Manifest {
  files: Record<string, { bytes: number; sha256: string }>
}

const assets = (dir: string, ...args: string[]) => runCli(dir, ['assets', join(dir, 'public'), ...args])
const manifestAt = (dir: string): Manifest => JSON.parse(readFileSync(join(dir, 'public/op-dbus-assets.json'), 'utf8'))

describe('op-dbus assets', () => {
  it('copies what a page needs, says how large it is, and the second time writes nothing', async () => {
    const dir = temporaryFolder()
    const first = await assets(dir)
    expect([first.code, first.stderr]).toEqual([0, expect.stringContaining("openCaches({ assetsUrl: '/op-dbus/' })")])
    const { files } = manifestAt(dir)
    expect(Object.keys(files)).toEqual(
      expect.arrayContaining([
        'worker.js',
        'ort/ort-wasm-simd-threaded.wasm',
        'ort/ort-wasm-simd-threaded.asyncify.wasm',
        'models/builtin/onnx/model_quantized.onnx',
        'models/builtin/op-dbus-reference.json',
        'models/builtin/LICENSE',
      ]),
    )
    for (const [path, { bytes }] of Object.entries(files)) {
      expect(readFileSync(join(dir, 'public', path)).length, path).toBe(bytes)
    }
    const again = await assets(dir, '--json')
    const copied = JSON.parse(again.stdout) as { path: string; bytes: number; written: boolean }[]
    expect(copied.map(({ path }) => path)).toEqual(Object.keys(files))
    expect(copied.every(({ written }) => !written)).toBe(true)
  })

  it('replaces its own older files, and takes away those that it no longer has', async () => {
    const dir = temporaryFolder()
    await assets(dir)
    const before = manifestAt(dir)
    // As if an earlier version had written them.
    const old = 'an earlier version'
    writeFileSync(join(dir, 'public/worker.js'), old)
    writeFileSync(join(dir, 'public/gone.js'), old)
    writeFileSync(join(dir, 'public/kept.js'), 'somebody has written here since')
    const entry = { bytes: old.length, sha256: createHash('sha256').update(old).digest('hex') }
    const files = { ...before.files, 'worker.js': entry, 'gone.js': entry, 'kept.js': entry }
    writeFileSync(join(dir, 'public/op-dbus-assets.json'), JSON.stringify({ ...before, files }))
    expect((await assets(dir)).code).toBe(0)
    expect(manifestAt(dir)).toEqual(before)
    expect(readFileSync(join(dir, 'public/worker.js')).length).toBe(before.files['worker.js']!.bytes)
    expect(existsSync(join(dir, 'public/gone.js'))).toBe(false)
    expect(existsSync(join(dir, 'public/kept.js'))).toBe(true)
  })

  it.each(['worker.js', 'op-dbus-assets.json'])(
    'leaves a %s of somebody else alone, and changes nothing then',
    async name => {
      const dir = temporaryFolder()
      mkdirSync(join(dir, 'public'))
      writeFileSync(join(dir, 'public', name), 'mine')
      const { code, stderr } = await assets(dir)
      expect(code).toBe(2)
      expect(stderr).toContain(`${join(dir, 'public', name)} is there and is not of op-dbus; nothing was copied`)
      expect(existsSync(join(dir, 'public/models'))).toBe(false)
      expect(readFileSync(join(dir, 'public', name), 'utf8')).toBe('mine')
      expect((await assets(dir, '--force')).code).toBe(0)
      expect(manifestAt(dir).files['worker.js']).toBeDefined()
    },
  )

  it.skipIf(process.platform === 'win32')(
    'keeps the mode of what it replaces, and touches no file of a killed run',
    async () => {
      const dir = temporaryFolder()
      await assets(dir)
      for (const name of ['worker.js', 'op-dbus-assets.json']) chmodSync(join(dir, 'public', name), 0o640)
      writeFileSync(join(dir, 'precious'), 'precious')
      symlinkSync('../precious', join(dir, 'public/worker.js.1.tmp'))
      writeFileSync(join(dir, 'public/worker.js'), 'changed')
      const one = "Object.defineProperty(process, 'pid', { value: 1 })"
      const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(one)}` }
      expect((await runCli(dir, ['assets', join(dir, 'public'), '--force'], { env })).code).toBe(0)
      for (const name of ['worker.js', 'op-dbus-assets.json']) {
        expect(statSync(join(dir, 'public', name)).mode & 0o777, name).toBe(0o640)
      }
      expect(readFileSync(join(dir, 'precious'), 'utf8')).toBe('precious')
      expect(existsSync(join(dir, 'public/worker.js.1.tmp'))).toBe(true)
    },
  )

  it('writes through no link, forced or not', async () => {
    const dir = temporaryFolder()
    for (const name of ['worker.js', 'models']) {
      const target = join(dir, `target of ${name}`)
      mkdirSync(target)
      mkdirSync(join(dir, name, 'public'), { recursive: true })
      symlinkSync(target, join(dir, name, 'public', name))
      const { code, stderr } = await assets(join(dir, name), '--force')
      expect(code).toBe(2)
      expect(stderr).toContain(join(dir, name, 'public', name))
    }
  })

  it('says so where the target, or what it would lie in, is a file', async () => {
    const dir = temporaryFolder()
    const file = join(dir, 'file')
    writeFileSync(file, 'mine')
    for (const target of [file, join(file, 'deeper', 'public')]) {
      const { code, stderr } = await runCli(dir, ['assets', target])
      expect([code, stderr]).toEqual([
        2,
        `op-dbus: ${file} is no folder; nothing was copied\n  choose another folder\n`,
      ])
    }
    expect(readFileSync(file, 'utf8')).toBe('mine')
  })

  it('makes the folders that are missing on the way', async () => {
    const dir = temporaryFolder()
    expect((await runCli(dir, ['assets', join(dir, 'not/there/yet')])).code).toBe(0)
    expect(existsSync(join(dir, 'not/there/yet/op-dbus-assets.json'))).toBe(true)
  })

  // A folder that nobody may write into, root included.
  it.skipIf(process.platform !== 'linux').each(['/sys', '/proc'])(
    'says in words that %s takes no folder',
    async parent => {
      const { code, stderr } = await runCli(temporaryFolder(), ['assets', `${parent}/op-dbus`])
      expect(code).toBe(6)
      expect(stderr.replace(/^op-dbus: \S+: /, '')).toMatch(
        /^(permission denied|the disk cannot be written to|ENOENT: .*mkdir '\/proc\/op-dbus')\n$/,
      )
    },
  )

  it.each([[[]], [['a', 'b']]])('takes one folder, not %j', async folders => {
    const { code, stderr } = await runCli(temporaryFolder(), ['assets', ...folders])
    expect(code).toBe(2)
    expect(stderr).toContain('takes one folder')
  })
})
