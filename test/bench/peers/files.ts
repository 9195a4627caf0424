// One file per vector, as the caching strategy draws it: 256 folders, no sync.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface FilesPeer {
  write(items: readonly (readonly [key: string, value: Uint8Array])[]): void
  read(path: string): Uint8Array
  pathOf(key: string): string
  bytesOnDisk(): number
}

export function openFiles(folder: string): FilesPeer {
  for (let i = 0; i < 256; i++) mkdirSync(join(folder, i.toString(16).padStart(2, '0')), { recursive: true })
  const pathOf = (key: string) => join(folder, key.slice(0, 2), `${key}.vec`)
  return {
    pathOf,
    write(items) {
      for (const [key, value] of items) writeFileSync(pathOf(key), value)
    },
    read: path => readFileSync(path),
    bytesOnDisk: () => bytesOnDisk(folder),
  }
}

/** What the files below a folder take of the disk, in bytes; the folders themselves are not counted. */
export function bytesOnDisk(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).blocks * 512, 0)
}
