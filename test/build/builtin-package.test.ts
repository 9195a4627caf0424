// Building from a package that is missing, damaged or another version, and swapping the finished folder in.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { replaceFolder } from '../../build/builtin-model/replace-folder.mjs'
import { buildBuiltinModel } from '../../build/builtin-model.mjs'
import { PACKAGE_DIR } from './use-lite.js'

let work: string

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'builtin-package-'))
})

afterEach(() => rm(work, { recursive: true, force: true }))

/** The package with one file changed, or left out when `change` gives undefined. */
async function packageWith(path: string, change: (content: Buffer) => Buffer | undefined): Promise<string> {
  const folder = join(work, 'package')
  for (const entry of await readdir(PACKAGE_DIR, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const source = join(entry.parentPath, entry.name)
    const target = join(folder, source.slice(PACKAGE_DIR.length))
    await mkdir(dirname(target), { recursive: true })
    const content = target === join(folder, path) ? change(await readFile(source)) : undefined
    if (content) await writeFile(target, content)
    else if (target !== join(folder, path)) await symlink(source, target)
  }
  return folder
}

function withBitFlipped(content: Buffer): Buffer {
  content[content.length >> 1]! ^= 1
  return content
}

test('a missing package is told, with what to do', async () => {
  const build = buildBuiltinModel({ packageDir: join(work, 'nowhere'), outDir: join(work, 'model') })
  await expect(build).rejects.toThrow(/package\.json cannot be read.*npm ci/)
  expect(await readdir(work)).toEqual([])
})

test.each([
  ['dist/group1-shard3of7', undefined],
  ['dist/vocab.json', undefined],
  ['LICENSE', undefined],
])('without %s the file is named, with what to do', async (path, change) => {
  const packageDir = await packageWith(path, () => change)
  const build = buildBuiltinModel({ packageDir, outDir: join(work, 'model') })
  await expect(build).rejects.toThrow(new RegExp(`${path} cannot be read.*npm ci`))
})

test.each([
  ['one bit of weights', 'dist/group1-shard3of7', withBitFlipped],
  ['a shard cut short', 'dist/group1-shard7of7', (content: Buffer) => content.subarray(0, -4)],
  ['an empty shard', 'dist/group1-shard1of7', () => Buffer.alloc(0)],
  ['the list of weights', 'dist/model.json', (content: Buffer) => content.subarray(0, 1000)],
  ['one bit of vocabulary', 'dist/vocab.json', withBitFlipped],
])('damage in %s is found, and what was built before stays', async (_, path, change) => {
  const outDir = join(work, 'model')
  await replaceFolder(outDir, { 'config.json': 'from before' })
  const packageDir = await packageWith(path, change)
  await expect(buildBuiltinModel({ packageDir, outDir })).rejects.toThrow(new RegExp(`${path} is damaged.*npm ci`))
  expect(await readFile(join(outDir, 'config.json'), 'utf8')).toBe('from before')
  expect(await readdir(work)).toEqual(['model', 'package'])
})

test.each([
  ['another version', '{ "version": "0.3.0" }', /made from .* 0\.2\.0, and this is 0\.3\.0.*npm install/],
  ['an unreadable package.json', '{', /this is unknown.*npm install/],
])('%s is refused', async (_, content, message) => {
  const packageDir = await packageWith('package.json', () => Buffer.from(content))
  await expect(buildBuiltinModel({ packageDir, outDir: join(work, 'model') })).rejects.toThrow(message)
})

test('a folder is replaced whole: nothing of the old one is left', async () => {
  const folder = join(work, 'deep', 'folder')
  await replaceFolder(folder, { old: '1', 'part/kept': '1' })
  await replaceFolder(folder, { 'part/kept': '2' })
  expect(await readdir(folder, { recursive: true })).toEqual(['part', 'part/kept'])
  expect(await readFile(join(folder, 'part/kept'), 'utf8')).toBe('2')
  expect(await readdir(join(work, 'deep'))).toEqual(['folder'])
})

test('of several that replace a folder at once, one wins whole', async () => {
  const folder = join(work, 'folder')
  const writers = ['a', 'b', 'c', 'd']
  await Promise.all(writers.map(name => replaceFolder(folder, { one: name, 'part/two': name })))
  const one = await readFile(join(folder, 'one'), 'utf8')
  expect(writers).toContain(one)
  expect(await readFile(join(folder, 'part/two'), 'utf8')).toBe(one)
  expect(await readdir(work)).toEqual(['folder'])
})
