// The log that the chain is to strangers: its key, and the heads that it signs, each of which continues the one before. Knows no proof.
import { dirname, join } from 'node:path'
import { isOpDbusError, messageOf, OpDbusError } from '../../errors.js'
import { DENIED, errnoOf } from '../../fs/errno.js'
import { readFile } from '../../fs/files.js'
import { makeFolder } from '../../fs/folders.js'
import { acquireMutex, MACHINE_IO } from '../../fs/mutex.js'
import type { ChainParts } from '../chain-parts.js'
import { EMPTY_ROOT } from '../merkle.js'
import type { KeyCall, LogKey, SignedHead } from '../reports.js'
import { steadily } from '../steadily.js'
import { CHECKPOINT, checkpointIn, lastSigned, MOST_BYTES } from './checkpoint-file.js'
import { openHead, signHead } from './heads.js'
import { besides, isMadeName, KEY, newKey, readKey, retiredKeys, writeKey, writeWhole } from './keys.js'
import { nameFault, type Signer } from './notes.js'
import { leadsTo, SignedRoot } from './signed-root.js'

type Parts = Pick<ChainParts, 'store' | 'tree' | 'logName'>

interface Key {
  readonly signer: Signer
  /** Just now. */
  readonly created: boolean
}

/** With what a chain was compared last, as long as it is the same: what was signed is handed out again without another look. */
const compared = new WeakMap<Parts['store'], string>()

const RENEW =
  'make another key, which begins a log of its own and keeps this one beside: op-dbus blockchain key --renew'

/** @throws OpDbusError CONFLICT, INVALID_INPUT, STORE, ABORTED */
export async function logKey(
  { store, logName }: Pick<ChainParts, 'store' | 'logName'>,
  call: KeyCall,
): Promise<LogKey> {
  const { dir } = store
  const { origin, renew = false } = call
  const name = origin ?? logName
  const there = renew ? undefined : readKey(dir)?.signer
  const { signer, created } = there
    ? { signer: there, created: false }
    : await locked(dir, call.signal, () => (renew ? renewed(dir, name) : keyIn(dir, name)))
  if (origin !== undefined && signer.name !== origin) {
    throw new OpDbusError(
      'CONFLICT',
      `this log is called "${signer.name}" already: its name is in what it signed\n${RENEW}`,
    )
  }
  const retired = retiredKeys(dir).map(({ text }) => text)
  return { origin: signer.name, verifierKey: signer.text, file: join(dir, KEY), created, retired }
}

/**
 * The head of the chain as it is now, signed. Where nothing can be written, the last one serves if it has at least `least` blocks.
 * @throws OpDbusError CONFLICT where the chain does not continue what was signed; CHAIN_DAMAGED, STORE, ABORTED
 */
export function signedHead(parts: Parts, signal?: AbortSignal, least = Number.POSITIVE_INFINITY): Promise<SignedHead> {
  return steadily(parts.store, () => headNow(parts, signal, least))
}

async function headNow(parts: Parts, signal: AbortSignal | undefined, least: number): Promise<SignedHead> {
  const { dir } = parts.store
  // Nothing to sign: nothing to lock, or to write.
  const last = lastQuietly(dir)
  if (last) {
    parts.store.mustBeWhole?.()
    const now = `${last.text}${parts.store.rewrites()}`
    if (last.size !== parts.store.size() || compared.get(parts.store) !== now) await continued(parts, last)
    if (last.size === parts.store.size()) {
      compared.set(parts.store, now)
      return last
    }
  }
  try {
    return await locked(dir, signal, async () => {
      const { signer, created } = await keyIn(dir, parts.logName)
      return { ...(await signNow(parts, signer, signal)), ...(created && { keyMade: true as const }) }
    })
  } catch (error) {
    const readOnly = ['EACCES', 'EPERM', 'EROFS', DENIED].includes(errnoOf((error as { cause?: unknown }).cause) ?? '')
    if (readOnly && last && last.size >= least) return last
    throw error
  }
}

/** For who holds the lock. */
async function signNow(parts: Parts, signer: Signer, signal: AbortSignal | undefined): Promise<SignedHead> {
  const { store } = parts
  const last = lastHead(store.dir, signer)
  const size = store.size()
  // All of these blocks are on the disk then.
  store.mustBeWhole?.(true)
  const signed = await continued(parts, last)
  if (last.size === size) return last
  const root = await signed.upTo(size, signal)
  // All proofs come out of the tree.
  if (!(await leadsTo(parts, { size, root }))) {
    throw new OpDbusError('CHAIN_DAMAGED', 'the blocks are others than a moment ago: nothing is signed')
  }
  const head = signHead(signer, size, root)
  // Written down before anybody sees it.
  await writeWhole(join(store.dir, CHECKPOINT), head.text)
  return head
}

/** What was signed, for who goes on from there. @throws OpDbusError CONFLICT where the chain does not */
async function continued(parts: Parts, last: SignedHead): Promise<SignedRoot> {
  const size = parts.store.size()
  const signed = size < last.size ? undefined : await SignedRoot.of(parts, last)
  if (signed) return signed
  const why =
    size < last.size
      ? `the chain has ${size} blocks, and ${last.size} were signed`
      : `the first ${last.size} blocks are others than those that were signed`
  throw new OpDbusError(
    'CONFLICT',
    `${why}: was the chain restored, or rewritten?\nnothing is signed that does not continue what "${last.origin}" signed; ${RENEW}`,
    { details: { signed: last.size, size } },
  )
}

/** The head that was signed last; undefined where there is no key. @throws OpDbusError CONFLICT where nobody can tell; STORE */
export function lastSignedHead(dir: string): SignedHead | undefined {
  const signer = readKey(dir)?.signer
  return signer && lastHead(dir, signer)
}

/** Undefined as well where nobody can tell without the lock: another process may be about to make a key. */
function lastQuietly(dir: string): SignedHead | undefined {
  try {
    return lastSignedHead(dir)
  } catch (error) {
    if (isOpDbusError(error, 'CONFLICT')) return undefined
    throw error
  }
}

/** What a signature was checked of need not be checked again. */
let lastOpened: { readonly head: SignedHead; readonly key: string } | undefined

/** @throws OpDbusError CONFLICT where nobody can tell what this key signed last */
function lastHead(dir: string, { text, name }: Signer): SignedHead {
  const file = join(dir, CHECKPOINT)
  const head = checkpointIn(dir)
  try {
    // There is one wherever there is a key: without it nobody can tell what was signed.
    if (head === undefined) throw new Error('it is gone')
    const opened = lastOpened?.head.text === head && lastOpened.key === text ? lastOpened.head : openHead(head, [text])
    lastOpened = { head: opened, key: text }
    return opened
  } catch (error) {
    throw new OpDbusError(
      'CONFLICT',
      `${file} should be the head that "${name}" signed last, and is not: ${messageOf(error)}\nput it back, or ${RENEW}`,
      { details: { file } },
    )
  }
}

/** The key, made where there is none. For who holds the lock. */
async function keyIn(dir: string, origin: string | undefined): Promise<Key> {
  const there = readKey(dir)
  if (there) return { signer: there.signer, created: false }
  const old = checkpointIn(dir)
  // A head of no blocks is what is left where making a key was cut off.
  if (old && old.split('\n')[1] !== '0') {
    throw new OpDbusError(
      'CONFLICT',
      `${join(dir, CHECKPOINT)} was signed with a key that is not in ${join(dir, KEY)} any more\nput it back, or ${RENEW}`,
    )
  }
  return begun(dir, origin)
}

/** Another key in place of the one that is there, or should be; what is there is kept beside. For who holds the lock. */
async function renewed(dir: string, origin: string | undefined): Promise<Key> {
  const before = lastSigned(dir)?.origin
  for (const name of [KEY, CHECKPOINT]) {
    const bytes = readFile(join(dir, name), MOST_BYTES)
    if (bytes) await writeWhole(join(dir, besides(name, bytes)), bytes)
  }
  // The name that somebody gave stays; one that was made from the key goes with it.
  const kept = before !== undefined && nameFault(before) === undefined && !isMadeName(before) ? before : undefined
  return begun(dir, origin ?? kept)
}

/** A log of no blocks. Its head comes first: a key without one signs nothing. */
async function begun(dir: string, origin: string | undefined): Promise<Key> {
  const signer = newKey(origin)
  await writeWhole(join(dir, CHECKPOINT), signHead(signer, 0, EMPTY_ROOT.toString('hex')).text)
  await writeKey(dir, signer)
  return { signer, created: true }
}

/** One process at a time makes keys and signs. */
async function locked<T>(dir: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    makeFolder(dir)
    const release = await acquireMutex(join(dir, 'key.lock'), {
      below: dirname(dir),
      io: MACHINE_IO,
      signal,
      awaitsTheLiving: true,
    })
    try {
      return await work()
    } finally {
      await release()
    }
  } catch (error) {
    if (isOpDbusError(error)) throw error
    throw new OpDbusError('STORE', `the log's key and head cannot be kept in ${dir}: ${messageOf(error)}`, {
      cause: error,
      details: { dir },
    })
  }
}
