// A file that is replaced as a whole: written under a temporary name beside it, synced, renamed. Knows no format.
import * as fs from 'node:fs'
import { quietly } from './errno.js'
import { createFile, syncFile, writeAt } from './files.js'

/** Replaces a small file as a whole: a reader sees the old text or the new one. */
export function replaceSmall(path: string, text: string, unique: string): void {
  const temporary = `${path}.${unique}.tmp`
  try {
    const fd = createFile(temporary)
    try {
      writeAt(fd, Buffer.from(text), 0)
      syncFile(fd)
    } finally {
      fs.closeSync(fd)
    }
    fs.renameSync(temporary, path)
  } catch (error) {
    quietly(() => fs.unlinkSync(temporary))
    throw error
  }
}
