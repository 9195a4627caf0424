// The keys of the log in the chain's folder: read, made, and never replaced but when another is asked for. Signs nothing.
import { createPrivateKey, createPublicKey, hash as digest, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { OpDbusError } from '../../errors.js'
import { readSmall, statOf } from '../../fs/files.js'
import { namesIn } from '../../fs/folders.js'
import { replaceWith } from '../../fs/replace.js'
import { nameFault, type Signer, verifierOf } from './notes.js'

/** The private key, PKCS8 in PEM behind a line that says what it is for: programs that read PEM pass over it. */
export const KEY = 'key'
/** Keys of before. */
const RETIRED = /^key\.[0-9a-f]{16}$/
/** What a name that nobody gave begins with; the public key's hash follows. */
const MADE = 'op-dbus/'
const SAYS = 'op-dbus log key: '
const MOST_BYTES = 8192

/** Of a process that makes many proofs the file says the same each time: to understand it takes longer than to read it. */
let lastRead: KeyFile | undefined

/** A key and where it lies. */
export interface KeyFile {
  readonly signer: Signer
  readonly text: string
}

/**
 * The key; undefined where there is none.
 * @throws OpDbusError STORE for a file that is damaged, no file, or readable by others
 */
export function readKey(dir: string, name = KEY): KeyFile | undefined {
  const key = readOpenKey(dir, name)
  if (key?.open) throw key.open
  return key
}

/** The same to check what was signed, also where others may read the file, of which `open` tells: it is not to be signed with then. */
export function readOpenKey(dir: string, name = KEY): (KeyFile & { readonly open?: OpDbusError }) | undefined {
  const path = join(dir, name)
  const stats = statOf(path)
  if (stats === undefined) return undefined
  if (!stats.isFile()) throw refused(path, 'is no file')
  const text = readSmall(path, MOST_BYTES) ?? ''
  const signer = lastRead?.text === text ? lastRead.signer : signerIn(text)
  // Written out again it must be the same: a key with one digit changed is a key, too, and another one.
  if (signer === undefined || (signer !== lastRead?.signer && textOf(signer) !== text))
    throw refused(path, 'is damaged')
  lastRead = { signer, text }
  if (process.platform === 'win32' || (stats.mode & 0o077) === 0) return { signer, text }
  const why = `may be read by others: whoever has read it can sign in this log's name`
  return { signer, text, open: refused(path, why, `chmod 600 ${path}`) }
}

/** A new key, which lies nowhere yet. @throws OpDbusError INVALID_INPUT for a name that cannot be one */
export function newKey(origin: string | undefined): Signer {
  const fault = origin === undefined ? undefined : nameFault(origin)
  if (fault !== undefined)
    throw new OpDbusError('INVALID_INPUT', `the name of a log ${fault}; as in example.com/changes`)
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  return signerOf(origin ?? `${MADE}${digest('sha256', spki, 'hex').slice(0, 16)}`, privateKey)
}

/** Whether {@link newKey} made up such a name. */
export function isMadeName(name: string): boolean {
  return name.startsWith(MADE) && /^[0-9a-f]{16}$/.test(name.slice(MADE.length))
}

/** Puts a key where it belongs, durably, for its owner alone. For who holds the lock, and knows that there is no other. */
export async function writeKey(dir: string, signer: Signer): Promise<void> {
  await writeWhole(join(dir, KEY), textOf(signer))
}

/** For its owner alone; whole or not at all, also after a loss of power. */
export async function writeWhole(path: string, text: string | Uint8Array): Promise<void> {
  await replaceWith(path, 0o600, file => file.writeFile(text))
}

/** The keys that were in use before, as far as they can be read. */
export function retiredKeys(dir: string): Signer[] {
  return namesIn(dir)
    .filter(name => RETIRED.test(name))
    .flatMap(name => {
      try {
        return readOpenKey(dir, name)?.signer ?? []
      } catch {
        // Of use to check old heads only; the present key is another matter.
        return []
      }
    })
}

/** What is kept beside under the name that says what it is: never over something else. */
export function besides(name: string, bytes: Uint8Array): string {
  return `${name}.${digest('sha256', bytes, 'hex').slice(0, 16)}`
}

function signerOf(name: string, privateKey: KeyObject): Signer {
  return { ...verifierOf(name, createPublicKey(privateKey)), privateKey }
}

function signerIn(text: string): Signer | undefined {
  const end = text.indexOf('\n')
  const [name = ''] = text.slice(SAYS.length, end).split('+')
  try {
    return signerOf(name, createPrivateKey(text.slice(end + 1)))
  } catch {
    return undefined
  }
}

function textOf({ text, privateKey }: Signer): string {
  return `${SAYS}${text}\n${privateKey.export({ format: 'pem', type: 'pkcs8' })}`
}

function refused(
  path: string,
  why: string,
  then = 'put the right one back, or make another key: op-dbus blockchain key --renew',
): OpDbusError {
  return new OpDbusError('STORE', `the log's key ${path} ${why}\n${then}`, { details: { file: path } })
}
