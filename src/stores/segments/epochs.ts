// The clear epochs: random tokens that say which segments stand, and which a clear made void, whoever wrote them and however late.
// Two small files at most hold them for a space. Removes no segment.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { quietly } from '../../fs/errno.js'
import { readSmall, statOf } from '../../fs/files.js'
import { namesIn } from '../../fs/folders.js'
import { replaceFile } from '../../fs/replace.js'
import type { Hash } from '../../ports.js'

/*
   <dir>/epoch            the token of all spaces
   <dir>/epoch-<space>    "<the token of all spaces, as it was> <the token of this space>": there once this space alone was cleared.
                          A later clear of all spaces begins another epoch, and so ends what this file says.
*/
const EPOCH_FILE = 'epoch'
const TOKEN = /^([0-9a-f]{16})\n$/
const SPACE_EPOCH_FILE = /^epoch-[0-9a-f]{16}$/
const TWO_TOKENS = /^([0-9a-f]{16}) ([0-9a-f]{16})\n$/
/** What a killed clear left. */
export const LEFT_EPOCH = /^epoch(?:-[0-9a-f]{16})?\.[0-9a-f]{8}\.tmp$/

/** The token before the first clear, and of a file that says nothing. */
const FIRST_EPOCH = '0'.repeat(16)

/**
 * The current token of the space in `folder`, 16 hex digits. A version that knows no epoch of a single space takes its segments for void
 * where there is one, and so serves too little rather than something that was cleared.
 */
export function readEpoch(dir: string, folder: string): string {
  const ofAll = epochOfAll(dir)
  const file = spaceEpochFile(dir, folder)
  if (isMissing(file)) return ofAll
  const [, then, ofSpace] = TWO_TOKENS.exec(readSmall(file, 64) ?? '') ?? []
  return then === ofAll ? ofSpace! : ofAll
}

/** Begins a new epoch of all spaces. Nothing is done, and the first epoch stays, where there is no folder. */
export function beginEpoch(dir: string, hash: Hash): void {
  if (!fs.existsSync(dir)) return
  put(path.join(dir, EPOCH_FILE), `${hash.random(8)}\n`, TOKEN, hash)
  for (const name of namesIn(dir)) {
    if (!SPACE_EPOCH_FILE.test(name)) continue
    const file = path.join(dir, name)
    quietly(() => {
      if (TWO_TOKENS.test(readSmall(file, 64) ?? '')) fs.unlinkSync(file)
    })
  }
}

/** Begins a new epoch of the space in `folder`, which is there. */
export function beginSpaceEpoch(dir: string, folder: string, hash: Hash): void {
  put(spaceEpochFile(dir, folder), `${epochOfAll(dir)} ${hash.random(8)}\n`, TWO_TOKENS, hash)
}

function epochOfAll(dir: string): string {
  const file = path.join(dir, EPOCH_FILE)
  return isMissing(file) ? FIRST_EPOCH : (TOKEN.exec(readSmall(file, 64) ?? '')?.[1] ?? FIRST_EPOCH)
}

/** Most spaces were never cleared, and a look, which is made 200 times a second, is far cheaper than to fail at opening. */
function isMissing(file: string): boolean {
  return statOf(file) === undefined
}

function spaceEpochFile(dir: string, folder: string): string {
  return path.join(dir, `${EPOCH_FILE}-${path.basename(folder)}`)
}

/** A file of that name that is not ours stays as it is: who has segments open notices that they are gone. */
function put(file: string, text: string, form: RegExp, hash: Hash): void {
  const there = readSmall(file, 64)
  // A blank one is what a power cut left of ours.
  const foreign = there === undefined ? fs.existsSync(file) : !form.test(there) && /[^\0]/.test(there)
  if (!foreign) replaceFile(file, Buffer.from(text), `${file}.${hash.random(4)}.tmp`, { sync: true })
}
