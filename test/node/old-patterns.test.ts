// What verified patterns of version 0.1 left in a cache folder: cleared as ours, and nothing else with it. The fixture is that
// version's own work: a pattern that served 237 times, one that was revoked, and the counters of both processes.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Caches, openCaches } from 'op-dbus'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../support.js'

const fixture = fileURLToPath(new URL('../fixtures/version-0.1/verified', import.meta.url))
const EMBEDDER = {
  space: 'a@1',
  dims: 2,
  embed: async (texts: readonly string[]) => new Float32Array(2 * texts.length),
}

function oldFolder(): { dir: string; patterns: string; revoked: string } {
  const dir = temporaryFolder()
  cpSync(fixture, dir, { recursive: true })
  const patterns = join(dir, 'patterns')
  return { dir, patterns, revoked: join(patterns, 'revoked') }
}

async function on<T>(dir: string, use: (caches: Caches) => Promise<T>): Promise<T> {
  const caches = await openCaches({ dir, embedder: EMBEDDER, onWarning: message => expect.fail(message) })
  try {
    return await use(caches)
  } finally {
    await caches.close()
  }
}

const clear = (dir: string) => on(dir, caches => caches.clear({ embeddings: true }))

it('what its patterns served is counted in, and other counts of theirs do no harm', async () => {
  const { dir } = oldFolder()
  const stats = () => on(dir, async caches => (await caches.stats()).embeddings)
  const { patterns, lifetime } = await stats()
  expect(patterns).toEqual({ mode: 'off', templates: 0, hits: 0, lifetime: { templates: 2, hits: 237 } })
  expect(lifetime).toMatchObject({ hits: 237, misses: 272 })
  await on(dir, caches => caches.embeddings.getOrEmbed('one more'))
  expect((await stats()).lifetime).toMatchObject({ hits: 237, misses: 273 })
})

it('clear takes the folder away, what an earlier clear and a process that was killed left included', async () => {
  const { dir, patterns, revoked } = oldFolder()
  writeFileSync(join(patterns, '.epoch'), `${'0f'.repeat(16)}\n`)
  const [name] = readdirSync(patterns).filter(name => name.endsWith('.json'))
  renameSync(join(patterns, name!), join(patterns, `.${name!.slice(0, -5)}.0a1b2c3d.tmp`))
  await on(dir, caches => caches.clear({ queries: true }))
  expect(readdirSync(revoked)).toHaveLength(1)
  await clear(dir)
  expect(existsSync(patterns)).toBe(false)
  expect(readdirSync(join(dir, 'counters')).length).toBeGreaterThan(0)
  await clear(dir)
})

it('clear leaves what is not ours, and the folders that hold it', async () => {
  const { dir, patterns, revoked } = oldFolder()
  const strange = [join(patterns, 'notes.json'), join(patterns, '.epoch'), join(revoked, 'todo.txt')]
  for (const path of strange) writeFileSync(path, `mine: ${path}`)
  mkdirSync(join(patterns, 'more'))
  await clear(dir)
  expect(readdirSync(patterns).sort()).toEqual(['.epoch', 'more', 'notes.json', 'revoked'])
  expect(readdirSync(revoked)).toEqual(['todo.txt'])
  for (const path of strange) expect(readFileSync(path, 'utf8')).toBe(`mine: ${path}`)
})

it.skipIf(process.platform === 'win32')('clear follows no link: not of the folder, nor in it', async () => {
  const { dir, patterns } = oldFolder()
  const elsewhere = join(temporaryFolder(), 'elsewhere')
  renameSync(patterns, elsewhere)
  const before = readdirSync(elsewhere, { recursive: true }).sort()
  symlinkSync(elsewhere, patterns)
  await clear(dir)
  expect(readdirSync(elsewhere, { recursive: true }).sort()).toEqual(before)

  const other = oldFolder()
  const kept = readdirSync(join(elsewhere, 'revoked'))
  renameSync(other.revoked, join(other.patterns, 'gone'))
  symlinkSync(join(elsewhere, 'revoked'), other.revoked)
  await clear(other.dir)
  expect(readdirSync(join(elsewhere, 'revoked'))).toEqual(kept)
  expect(readdirSync(other.patterns).sort()).toEqual(['gone', 'revoked'])
})
