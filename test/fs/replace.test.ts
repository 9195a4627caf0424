// Replaced as a whole or not at all: what is written beside a file gets its name at the end, and nothing is left when it does not.
import {
  closeSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { makeFolder } from '../../src/fs/folders.js'
import { createBeside, discard, moveTo, putFile, replaceFile, replaceWith } from '../../src/fs/replace.js'
import { temporaryFolder } from '../support.js'

const bytes = (text: string) => Buffer.from(text)
let dir: string
let path: string
beforeEach(() => {
  dir = temporaryFolder()
  path = join(dir, 'file')
  writeFileSync(path, 'old', { mode: 0o644 })
})

test('at once: the new bytes, for the owner alone, and no temporary file', () => {
  for (const sync of [false, true]) {
    replaceFile(path, bytes(`new ${sync}`), `${path}.tmp`, { sync })
    expect(readFileSync(path, 'utf8')).toBe(`new ${sync}`)
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600)
  }
  closeSync(putFile(join(dir, 'other'), bytes('x'), join(dir, 'other.tmp'), { sync: false }))
  expect(readdirSync(dir).sort()).toEqual(['file', 'other'])
})

test('at once: where it cannot be, the old bytes stay and nothing is left', () => {
  mkdirSync(join(dir, 'folder/full'), { recursive: true })
  expect(() => replaceFile(join(dir, 'folder'), bytes('new'), join(dir, 'tmp'), { sync: true })).toThrow()
  expect(readdirSync(dir).sort()).toEqual(['file', 'folder'])
})

test('a temporary name that is taken is left alone, a link too', () => {
  writeFileSync(join(dir, 'taken'), 'of another')
  symlinkSync('elsewhere', join(dir, 'link'))
  for (const name of ['taken', 'link']) {
    expect(() => replaceFile(path, bytes('new'), join(dir, name), { sync: false })).toThrow(/EEXIST/)
  }
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(readFileSync(join(dir, 'taken'), 'utf8')).toBe('of another')
  expect(existsSync(join(dir, 'elsewhere'))).toBe(false)
})

test('step by step: a reader sees the old bytes until all are there', async () => {
  await replaceWith(path, 0o600, async file => {
    await file.writeFile('half')
    expect(readFileSync(path, 'utf8')).toBe('old')
    await file.appendFile(' and half')
  })
  expect(readFileSync(path, 'utf8')).toBe('half and half')
  const failed = replaceWith(path, 0o600, async file => {
    await file.writeFile('never')
    throw new Error('on the way')
  })
  await expect(failed).rejects.toThrow('on the way')
  expect(readFileSync(path, 'utf8')).toBe('half and half')
  expect(readdirSync(dir)).toEqual(['file'])
})

test('a draft can lie beside another file, and names of 255 bytes have drafts as well', async () => {
  mkdirSync(join(dir, 'refs'))
  const seen: string[][] = []
  const look = async () => void seen.push(readdirSync(join(dir, 'refs')))
  await replaceWith(join(dir, 'refs/main'), 0o600, look, join(dir, 'main'))
  expect([seen, readdirSync(join(dir, 'refs'))]).toEqual([[[]], ['main']])
  const draft = await createBeside(join(dir, 'n'.repeat(255)), 0o600)
  await discard(draft)
  expect(existsSync(draft.path)).toBe(false)
  await expect(moveTo(path, draft.path)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('folders are made with what is missing above them; where the kernel makes none, it is told', () => {
  makeFolder(join(dir, 'a/b/c'))
  makeFolder(join(dir, 'a/b/c'))
  expect(statSync(join(dir, 'a/b/c')).isDirectory()).toBe(true)
  if (process.platform === 'linux') expect(() => makeFolder('/proc/op-dbus/a')).toThrow(/ENOENT|EACCES/)
})

test('nobody else renames files or judges whether a process runs', () => {
  const src = join(import.meta.dirname, '../../src')
  const elsewhere = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    file =>
      file.endsWith('.ts') &&
      !file.startsWith('fs') &&
      /\brename(Sync)?\(|process\.kill\([^)]*, 0\)/.test(readFileSync(join(src, file), 'utf8')),
  )
  expect(elsewhere).toEqual([])
})
