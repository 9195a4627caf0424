import { linkSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { HeldFile } from '../../src/fs/held-file.js'
import { temporaryFolder } from '../support.js'

const ANY = 1000
const clock = () => 0

describe('HeldFile', () => {
  const begin = () => {
    const dir = temporaryFolder()
    const path = join(dir, 'token')
    writeFileSync(path, 'one')
    return { dir, path, held: HeldFile.open(path, ANY, clock)! }
  }

  it('stands for as long as the file is there as it was', () => {
    const { dir, held } = begin()
    expect(Buffer.from(held.bytes).toString()).toBe('one')
    writeFileSync(join(dir, 'another'), 'two')
    for (let i = 0; i < 3; i++) expect(held.stands()).toBe(true)
    held.release()
    expect(held.stands()).toBe(false)
    held.release()
  })

  it.each<[string, (path: string, dir: string) => void]>([
    ['removed', path => unlinkSync(path)],
    ['replaced', (path, dir) => replace(path, dir)],
    [
      'replaced by a folder',
      path => {
        unlinkSync(path)
        mkdirSync(path)
      },
    ],
    ['removed with its folder', (_path, dir) => rmSync(dir, { recursive: true })],
    [
      'moved away with its folder',
      (_path, dir) => {
        renameSync(dir, `${dir}-moved`)
        rmSync(`${dir}-moved`, { recursive: true })
      },
    ],
    [
      'in a folder that another came in place of',
      (path, dir) => {
        renameSync(dir, `${dir}-moved`)
        mkdirSync(dir)
        writeFileSync(path, 'one')
        rmSync(`${dir}-moved`, { recursive: true })
      },
    ],
    ['written over', path => writeFileSync(path, 'other')],
    [
      'given a second name and replaced',
      (path, dir) => {
        linkSync(path, join(dir, 'backup'))
        replace(path, dir)
      },
    ],
  ])('does not stand once it was %s', (_what, change) => {
    const { dir, path, held } = begin()
    change(path, dir)
    expect(held.stands()).toBe(false)
    held.release()
  })

  it('looks up its name again after 5 ms, and sees at once that the file was replaced', () => {
    let now = 0
    const { dir, path } = begin()
    const [held, other] = [1, 2].map(() => HeldFile.open(path, ANY, () => now)!)
    expect([held!.stands(), other!.stands()]).toEqual([true, true])
    renameSync(dir, `${dir}-moved`)
    now = 5
    expect(held!.stands()).toBe(false)
    renameSync(`${dir}-moved`, dir)
    expect(other!.stands()).toBe(true)
    replace(path, dir)
    expect(other!.stands()).toBe(false)
    held!.release()
    other!.release()
  })

  it('does not stand for the file after next, which may have its number and its time', () => {
    const { dir, path } = begin()
    for (let i = 0; i < 200; i++) {
      const held = HeldFile.open(path, ANY, clock)!
      replace(path, dir)
      replace(path, dir)
      expect(held.stands()).toBe(false)
      held.release()
    }
  })

  it('is none of what is no file, or too large, and keeps nothing of it open', () => {
    const { dir, path, held } = begin()
    held.release()
    mkdirSync(join(dir, 'folder'))
    symlinkSync(path, join(dir, 'link'))
    const open = descriptors()
    for (const name of ['folder', 'link', 'absent']) expect(HeldFile.open(join(dir, name), ANY, clock)).toBeUndefined()
    expect(HeldFile.open(path, 2, clock)).toBeUndefined()
    expect(descriptors()).toBe(open)
  })
})

function replace(path: string, dir: string): void {
  writeFileSync(join(dir, 'new'), 'two')
  renameSync(join(dir, 'new'), path)
}

/** How many the process has open, where the system tells. */
function descriptors(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
}
