// A cache folder with which something is wrong, and Node's permission model: told once, in clear words, and never fatal.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { guarded } from '../../src/fs/errno.js'
import { folderWarnings } from '../../src/node/warnings.js'
import { tinyFiles, writeModel } from '../embedder/tiny-model.js'
import { nodeOf } from '../other-node.js'
import { jsonLines, library, root, runNode } from '../processes.js'
import { temporaryFolder } from '../support.js'

/** Fills segments of 1 MiB and more, and says what was told, and what a second opening finds. */
const SCRIPT = `
const [dir, model] = process.argv.slice(2)
const { openCaches } = await import(${JSON.stringify(library)})
const warnings = []
const embedder = { space: 's@1', dims: 512, embed: async texts => new Float32Array(texts.length * 512).fill(1) }
const own = { dir, embeddingDiskBytes: 2 ** 24, onWarning: warning => warnings.push(warning) }
const open = () => openCaches({ ...own, ...(model ? {} : { embedder }) })
const texts = Array.from({ length: model ? 2 : 3000 }, (_, i) => String(i))
let caches = await open()
let error, device
try {
  device = (await caches.embeddings.getOrEmbed('0')).device
  await caches.embeddings.embedMany(texts)
} catch (caught) { error = { code: caught.code, message: caught.message } }
await caches.queries.getOrCompute('plugin', () => ({ answer: 42 }))
await caches.close()
caches = await open()
const kept = (await caches.stats()).embeddings.onDisk.entries
await caches.close()
console.log(JSON.stringify({ kept, warnings, device, error }))
`

interface Told {
  readonly kept: number
  readonly warnings: readonly string[]
  readonly device?: string
  readonly error?: { readonly code: string; readonly message: string }
}

async function told(program: string, before: readonly string[], dir: string, model = ''): Promise<Told> {
  const script = join(temporaryFolder(), 'script.mjs')
  writeFileSync(script, SCRIPT)
  const { stdout, stderr } = await runNode([...before, script, dir, model], { program, env: { HOME: dir } })
  return jsonLines(stdout)[0] ?? expect.fail(stderr)
}

describe('warnings of one folder', () => {
  const denied = (code: string, message: string) => Object.assign(new Error(message), { code })
  const caught = (error: unknown) => {
    try {
      guarded('/x/embeddings', () => {
        throw error
      })
    } catch (store) {
      return store
    }
  }

  it('tells each trouble once, whichever cache has it, and other sentences as they are', () => {
    const said: string[] = []
    const warn = folderWarnings('/x', message => said.push(message))
    warn('cannot read a', denied('EACCES', 'EACCES: permission denied'))
    warn('cannot write b', caught(denied('EROFS', 'EROFS: read-only file system')))
    warn('cannot write a', caught(denied('ENOSPC', 'ENOSPC: no space left on device')))
    warn('cannot write c', caught(denied('EDQUOT', 'EDQUOT: quota exceeded')))
    warn('others may write')
    warn('others may write')
    expect(said).toEqual([
      'cannot use the cache folder /x, going on in memory where it fails: EACCES: permission denied',
      'cannot use the cache folder /x, going on in memory where it fails: ENOSPC: no space left on device',
      'others may write',
    ])
  })
})

const ALONE =
  'what plugins answer is kept in this process alone, which does not hear of all that others change, until its time is up'

test('a folder that cannot be made is told once', async () => {
  const dir = join(temporaryFolder(), 'file')
  writeFileSync(dir, '')
  const { warnings, kept } = await told(process.execPath, [], dir)
  // Each opening tells it, and whoever queries what that means for queries.
  const folder = `cannot use the cache folder ${dir}`
  expect(new Set(warnings.map(warning => warning.replace(/ENOTDIR.*/s, '')))).toEqual(
    new Set([`${folder}, going on in memory where it fails: `, `${ALONE}: ${folder}/queries: `]),
  )
  expect(warnings.length).toBeLessThanOrEqual(4)
  expect(kept).toBe(0)
})

const noStrace = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status !== 0
test.skipIf(noStrace).each(['EINVAL', 'EOPNOTSUPP'])(
  'a file system that answers %s to fdatasync keeps everything (skipped without strace)',
  async errno => {
    const inject = ['-f', '-qq', '-o', '/dev/null', '-e', `inject=fdatasync,fsync:error=${errno}`, process.execPath]
    const { kept, warnings } = await told('strace', inject, temporaryFolder())
    expect(kept).toBe(3000)
    expect(warnings).toEqual([expect.stringMatching(/is not synced, since its file system \(\w+\) does not allow it/)])
  },
)

test.skipIf(noStrace)('a disk that fails to sync is told, and not taken for one that does not', async () => {
  const inject = ['-f', '-qq', '-o', '/dev/null', '-e', 'inject=fdatasync,fsync:error=EIO', process.execPath]
  const { warnings } = await told('strace', inject, temporaryFolder())
  expect(warnings[0]).toMatch(/EIO/)
})

const majors = process.env.OP_DBUS_CAMPAIGN === 'full' ? [22, 24] : [24]
describe.each(majors)("Node %i's permission model", major => {
  const program = nodeOf(major)
  const rights = (dir: string, ...more: string[]) => [
    '--permission',
    `--allow-fs-read=${root}`,
    `--allow-fs-read=${tmpdir()}`,
    ...more.map(right => (right === 'write' ? `--allow-fs-write=${dir}` : `--allow-${right}`)),
  ]
  const folder = () => {
    const dir = join(temporaryFolder(), 'cache')
    mkdirSync(dir)
    return dir
  }
  const tiny = () => writeModel(temporaryFolder(), tinyFiles())
  const skipped = program === undefined

  test.skipIf(skipped)(
    'nothing may be synced: told once, and all is kept (skipped where npm has no such Node)',
    async () => {
      const dir = folder()
      const { kept, warnings } = await told(program!, rights(dir, 'write'), dir)
      expect(kept).toBe(3000)
      expect(warnings).toEqual([expect.stringMatching(/not synced, since Node's permission model does not allow it/)])
    },
  )

  test.skipIf(skipped)('no folder may be written: told once', async () => {
    const dir = folder()
    const { kept, warnings, error } = await told(program!, rights(dir), dir)
    expect({ kept, error }).toEqual({ kept: 0, error: undefined })
    const [first, ...others] = new Set(warnings)
    expect(first).toMatch(/^cannot use .*--allow-fs-write/)
    expect(others).toEqual([expect.stringContaining(ALONE)])
  })

  test.skipIf(skipped)('no threads: which right is missing', async () => {
    const dir = folder()
    const { error } = await told(program!, rights(dir, 'write', 'addons'), dir, tiny())
    expect(error).toMatchObject({ code: 'DEVICE_UNAVAILABLE', message: expect.stringMatching(/--allow-worker$/) })
  })

  test.skipIf(skipped)('no native code: WebAssembly computes, and which right is missing', async () => {
    const dir = folder()
    const { device, warnings } = await told(program!, rights(dir, 'write', 'worker'), dir, tiny())
    expect(device).toBe('wasm')
    expect(warnings[0]).toMatch(/WebAssembly, several times slower: .*--allow-addons\)$/)
  })
})
