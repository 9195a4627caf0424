// The clear epoch: one random token for all spaces of a folder. Who finds another token than before drops what it knows.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { readSmall } from '../../fs/files.js'
import { replaceSmall } from '../../fs/replace.js'
import type { Hash } from '../../ports.js'

const FILE = 'epoch'
const TOKEN = /^[0-9a-f]{16}\n$/

/** The token before the first clear, and of a file that says nothing. */
export const FIRST_EPOCH = '0'.repeat(16)

/** The current token, 16 hex digits. Segments of any other epoch are dead, whoever wrote them and however late. */
export function readEpoch(dir: string): string {
  const text = readSmall(path.join(dir, FILE), 64)
  return text !== undefined && TOKEN.test(text) ? text.slice(0, 16) : FIRST_EPOCH
}

/** Begins a new epoch and returns its token. Nothing is done, and the first epoch stays, where there is no folder. */
export function nextEpoch(dir: string, hash: Hash): string {
  if (!fs.existsSync(dir)) return FIRST_EPOCH
  const file = path.join(dir, FILE)
  // A file of that name that is not ours stays as it is. Who has segments open notices that they are gone.
  // A blank one is what a power cut left of ours.
  const text = readSmall(file, 64)
  const foreign = text === undefined ? fs.existsSync(file) : !TOKEN.test(text) && /[^\0]/.test(text)
  if (foreign) return FIRST_EPOCH
  const token = hash.random(8)
  replaceSmall(path.join(dir, FILE), `${token}\n`, hash.random(4))
  return token
}
