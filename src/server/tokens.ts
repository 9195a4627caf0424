// The two tokens, read from their files or made once. Never told to anybody: only their digests leave this file.
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, linkSync, openSync, readSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { OpDbusError } from '../errors.js'
import { errnoOf, inWords } from '../fs/errno.js'
import { createFile, syncFile, unlink, writeAt } from '../fs/files.js'
import { makeFolder } from '../fs/folders.js'

/** SHA-256 of a token. */
export type TokenDigest = Buffer

const LEAST = 16
const MOST_BYTES = 4096

export function digestOf(token: string): TokenDigest {
  return createHash('sha256').update(token).digest()
}

/**
 * The token in a file: one line, 16 characters or more that a header can carry. Links are followed, as secrets are often mounted so.
 * @throws OpDbusError INVALID_INPUT where it is empty, short, not ours, or others may read it; STORE where it cannot be read
 */
export function readTokenFile(path: string, option: string): TokenDigest {
  const refuse = (why: string) =>
    new OpDbusError('INVALID_INPUT', `--${option} ${path}: ${why}`, { details: { option, file: path } })
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    throw new OpDbusError('STORE', `--${option}: cannot read ${path}: ${inWords(error)}`, { cause: error })
  }
  try {
    const { mode, size, uid } = fstatSync(fd)
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw refuse('not a file')
    if (process.platform !== 'win32') mustBeOurs({ mode, uid }, path, refuse)
    if (size > MOST_BYTES) throw refuse('too long for a token')
    const bytes = Buffer.alloc(MOST_BYTES)
    const text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, MOST_BYTES, 0))
    // Others who read this file would send it with the token.
    if (text.startsWith('\ufeff')) throw refuse('it begins with a byte order mark: save it as plain ASCII')
    const token = text.trim()
    if (token === '') throw refuse(`it is empty\nfill it: openssl rand -hex 32 > ${path}`)
    if (!/^[\x21-\x7e]+$/.test(token)) throw refuse('a token is one line of ASCII without blanks')
    if (token.length < LEAST) throw refuse(`a token has at least ${LEAST} characters`)
    return digestOf(token)
  } finally {
    closeSync(fd)
  }
}

/** Whether nobody else can read or change a file of ours. What root hands us by our group, or systemd as a credential, counts as ours. */
function mustBeOurs(
  { mode, uid }: { readonly mode: number; readonly uid: number },
  path: string,
  refuse: (why: string) => OpDbusError,
): void {
  const us = process.geteuid?.() ?? uid
  const { CREDENTIALS_DIRECTORY: credentials } = process.env
  const isCredential = credentials !== undefined && dirname(resolve(path)) === resolve(credentials)
  if (uid !== us && uid !== 0) throw refuse(`it is another user's\nmake it yours: chown ${us} ${path}`)
  const groupReads = (mode & 0o040) !== 0 && !isCredential && !(uid === 0 && us !== 0)
  if ((mode & 0o037) !== 0 || groupReads) {
    throw refuse(`others may read or change it\nmake it yours alone: chmod 600 ${path}`)
  }
}

/**
 * The write token of this data folder: made where there is none. Two daemons that start at once have the same.
 * @throws OpDbusError INVALID_INPUT for a file that is not sound; STORE
 */
export function ownWriteToken(dataDir: string): { readonly file: string; readonly digest: TokenDigest } {
  const file = join(dataDir, 'daemon', 'write-token')
  try {
    makeFolder(dirname(file))
    const { mode } = statSync(dirname(file))
    if (process.platform !== 'win32' && (mode & 0o022) !== 0) {
      throw new OpDbusError(
        'INVALID_INPUT',
        `others may change ${dirname(file)}\nmake it yours alone: chmod 700 ${dirname(file)}`,
      )
    }
    makeToken(file)
  } catch (error) {
    if (error instanceof OpDbusError) throw error
    throw new OpDbusError('STORE', `cannot make a write token in ${dirname(file)}: ${inWords(error)}`, { cause: error })
  }
  return { file, digest: readTokenFile(file, 'token-file') }
}

/** Whole, or not there: it is written under another name, which then becomes a second name of it. */
function makeToken(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })) return
  const temporary = `${file}.${randomBytes(6).toString('hex')}`
  const fd = createFile(temporary)
  try {
    writeAt(fd, Buffer.from(`${randomBytes(32).toString('base64url')}\n`), 0)
    syncFile(fd)
    linkSync(temporary, file)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  } finally {
    closeSync(fd)
    unlink(temporary)
  }
}
