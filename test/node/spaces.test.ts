// Spaces of a cache folder as people and the daemon see them: listed, and one of them emptied beside processes that use it.
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, it } from 'vitest'
import { clearSpace, listSpaces, spaceId } from '../../src/node/spaces.js'
import { type Caches, openCaches } from '../../src/node.js'
import { library } from '../processes.js'
import { temporaryFolder } from '../support.js'

const embedder = (space: string, dims = 8) => ({
  space,
  dims,
  embed: async (texts: readonly string[]) => Float32Array.from({ length: texts.length * dims }, (_, i) => i + 1),
})
/** What an embedder of the user's own is called by the library. */
const named = (space: string, dims = 8) => spaceId(JSON.stringify({ v: 1, custom: space, dims }))

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function filled(dir: string, space: string, texts: number, dims = 8): Promise<Caches> {
  const caches = await openCaches({ dir, embedder: embedder(space, dims) })
  await caches.embeddings.embedMany(Array.from({ length: texts }, (_, i) => `text ${i}`))
  return caches
}

it('lists what each space holds, the largest first, and says what it is', async () => {
  const dir = temporaryFolder()
  expect(await listSpaces(dir)).toEqual([])
  await (await filled(dir, 'small', 3)).close()
  await (await filled(dir, 'large', 50, 16)).close()
  const spaces = await listSpaces(dir)
  expect(spaces).toMatchObject([
    { space: named('large', 16), description: { custom: 'large', dims: 16 }, dims: 16, entries: 50 },
    { space: named('small'), description: { custom: 'small', dims: 8 }, dims: 8, entries: 3 },
  ])
  for (const { bytes } of spaces) expect(bytes).toBeGreaterThan(100)
})

it('says when its first file was begun, and when one was last written to', async () => {
  const dir = temporaryFolder()
  for (const texts of [3, 6]) await (await filled(dir, 'one', texts)).close()
  const folder = join(dir, 'embeddings', named('one').slice(0, 16))
  const files = readdirSync(folder).filter(name => name.endsWith('.vec'))
  expect(files).toHaveLength(2)
  const first = Math.min(...files.map(name => Number(name.slice(0, 14))))
  const second = Math.floor(first / 1000)
  const written = (later: number) => {
    for (const [i, name] of files.entries()) utimesSync(join(folder, name), second + later + i, second + later + i)
  }
  written(60)
  expect(await listSpaces(dir)).toMatchObject([{ oldest: first, newest: (second + 61) * 1000 }])
  // A clock that was ahead when it was begun.
  written(-60)
  expect(await listSpaces(dir)).toMatchObject([{ oldest: (second - 59) * 1000, newest: (second - 59) * 1000 }])
})

it('believes of a space.json only what is of its space', async () => {
  const dir = temporaryFolder()
  await (await filled(dir, 'one', 3)).close()
  const file = join(dir, 'embeddings', named('one').slice(0, 16), 'space.json')
  for (const text of ['{', '{"format":"op-dbus segments 1","space":"another","dims":3}', '["op-dbus segments 1"]']) {
    writeFileSync(file, text)
    expect(await listSpaces(dir)).toMatchObject([{ space: named('one'), description: {}, entries: 3 }])
  }
  rmSync(file)
  expect(await listSpaces(dir)).toMatchObject([{ space: named('one'), description: {}, entries: 3 }])
})

it('empties one of them for a process that has it in memory, and says what went', async () => {
  const dir = temporaryFolder()
  const other = await filled(dir, 'other', 5)
  const script = `
    const { openCaches } = await import(${JSON.stringify(library)})
    const { createInterface } = await import('node:readline')
    const embed = texts => new Float32Array(texts.length * 8).fill(1)
    const caches = await openCaches({ dir: ${JSON.stringify(dir)}, embedder: { space: 'one', dims: 8, embed } })
    for await (const text of createInterface({ input: process.stdin }))
      console.log((await caches.embeddings.getOrEmbed(text)).source)
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (text: string) => {
    child.stdin.write(`${text}\n`)
    return (await answers.next()).value
  }
  expect([await ask('a'), await ask('a'), await ask('b')]).toEqual(['computed', 'memory', 'computed'])
  await expect.poll(async () => (await listSpaces(dir)).find(({ space }) => space === named('one'))?.entries).toBe(2)

  expect(await clearSpace(dir, named('one'))).toMatchObject({ entries: 2, bytes: expect.any(Number) })
  // What was cleared elsewhere is asked for once in 5 ms.
  await expect.poll(() => ask('a')).toBe('computed')
  expect([await ask('a'), await ask('b')]).toEqual(['memory', 'computed'])
  expect((await other.embeddings.getOrEmbed('text 1')).source).toBe('memory')
  await other.close()
  expect((await listSpaces(dir)).find(({ space }) => space === named('other'))).toMatchObject({ entries: 5 })
})

it('refuses a space that is not there, and whatever is no name of one', async () => {
  const dir = temporaryFolder()
  await (await filled(dir, 'one', 3)).close()
  for (const space of [named('two'), '', '../..', named('one').slice(0, 16), dir])
    await expect(clearSpace(dir, space)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  expect(await listSpaces(dir)).toMatchObject([{ entries: 3 }])
})
