// Signed notes (C2SP signed-note) with Ed25519: a text, and who signed it. Opens no file, and knows no log.
import { createPublicKey, hash as digest, type KeyObject, sign, verify } from 'node:crypto'
import { OpDbusError } from '../../errors.js'
import { visible } from '../../format.js'

/** Bytes of a key's name, which is a log's name as well. */
export const MAX_KEY_NAME_BYTES = 255

/** Of a note that somebody gives us: 100 signatures of the largest kind. */
const MAX_NOTE = 512 * 1024

const ED25519 = Buffer.of(1)
/** What an Ed25519 key is preceded by in DER (RFC 8410). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')
const CONTROL = /[\0-\x09\x0b-\x1f]/
const SIGNATURE = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u

/** A note from its beginning to the last of its signatures. */
const SIGNED = /[\s\S]*?\n\n(?:\u2014 .*\n)+/gu

/** Who may have signed. */
export interface Verifier {
  readonly name: string
  /** 8 hexadecimal digits. */
  readonly id: string
  readonly publicKey: KeyObject
  /** `name+id+base64`. */
  readonly text: string
}

export interface Signer extends Verifier {
  readonly privateKey: KeyObject
}

/** Why a text cannot be the name of a key; undefined where it can. */
export function nameFault(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') return 'is a text that is not empty'
  if (!name.isWellFormed()) return 'is well-formed Unicode'
  if (/[\s\p{Z}\p{Cc}+]/u.test(name)) return 'has no spaces, no control characters and no "+"'
  if (Buffer.byteLength(name) > MAX_KEY_NAME_BYTES) return `has at most ${MAX_KEY_NAME_BYTES} bytes`
  return undefined
}

/** The verifier of a public key under a name. */
export function verifierOf(name: string, publicKey: KeyObject): Verifier {
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI.length)
  const typed = Buffer.concat([ED25519, raw])
  const id = digest('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed]), 'hex').slice(0, 8)
  return { name, id, publicKey, text: `${name}+${id}+${typed.toString('base64')}` }
}

/** @throws OpDbusError INVALID_INPUT for what is no verifier key of Ed25519 */
export function readVerifier(text: string): Verifier {
  if (typeof text !== 'string') throw invalid('verifier key is no text')
  const [, name, , key] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(text.trim()) ?? []
  const typed = key === undefined ? undefined : fromBase64(key)
  if (name !== undefined && nameFault(name) === undefined && typed?.length === 33 && typed[0] === ED25519[0]) {
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI, typed.subarray(1)]), format: 'der', type: 'spki' })
    const verifier = verifierOf(name, publicKey)
    if (verifier.text === text.trim()) return verifier
  }
  throw new OpDbusError(
    'INVALID_INPUT',
    `"${visible(text).slice(0, 400)}" is no verifier key of Ed25519: it looks like name+8 digits+base64`,
  )
}

/** `text`, which ends with a line end, as a note that is signed. */
export function signNote(text: string, { name, id, privateKey }: Signer): string {
  const signature = sign(null, Buffer.from(text), privateKey)
  return `${text}\n\u2014 ${name} ${Buffer.concat([Buffer.from(id, 'hex'), signature]).toString('base64')}\n`
}

/**
 * The text of a note, and those of `verifiers` who signed it: at least one. Other signatures are not looked at.
 * @throws OpDbusError INVALID_INPUT for what is no note, was signed by none of them, or bears a wrong signature of one of them
 */
export function openNote(note: string, verifiers: readonly Verifier[]): { text: string; signers: Verifier[] } {
  const end = note.lastIndexOf('\n\n')
  if (note.length > MAX_NOTE || end < 0 || !note.endsWith('\n') || CONTROL.test(note) || !note.isWellFormed()) {
    throw invalid('is no signed note: a text, an empty line, and lines of signatures')
  }
  const text = note.slice(0, end + 1)
  const bytes = Buffer.from(text)
  const signers = new Set<Verifier>()
  for (const line of note.slice(end + 2, -1).split('\n')) {
    const [, name, encoded] = SIGNATURE.exec(line) ?? []
    const signature = encoded === undefined ? undefined : fromBase64(encoded)
    if (signature === undefined || signature.length < 5) throw invalid('has a line of a signature that is none')
    const id = signature.toString('hex', 0, 4)
    const known = verifiers.find(verifier => verifier.name === name && verifier.id === id)
    if (known === undefined) continue
    if (!verify(null, bytes, known.publicKey, signature.subarray(4))) {
      throw invalid(`bears a wrong signature of ${known.name}: it was changed after it was signed, or damaged`)
    }
    signers.add(known)
  }
  if (signers.size === 0) {
    const names = verifiers.map(({ text }) => text).join(', ') || 'no key'
    throw new OpDbusError('INVALID_INPUT', `this was not signed with any of the keys that are asked for (${names})`, {
      details: { unsigned: true },
    })
  }
  return { text, signers: [...signers] }
}

/**
 * Notes that stand one behind the other, each with the lines of its signatures; what is behind the last one comes by itself. A text that
 * holds none comes as it is.
 */
export function splitNotes(text: string): string[] {
  const notes = text.match(SIGNED) ?? []
  const rest = text.slice(notes.join('').length)
  return (rest.trim() === '' && notes.length > 0 ? notes : [...notes, rest]).map(note => note.replace(/^\n+/, ''))
}

/** The bytes, where the text is their one form in base64. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

function invalid(what: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `this ${what}`)
}
