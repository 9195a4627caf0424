// What was signed, checked by anybody who has the verifier keys: heads and proofs. Opens no file, and needs no chain.
import { invalid } from '../../errors.js'
import { EMPTY_ROOT, HASH_BYTES, isContinued, isIncluded, leafHash, MAX_PATH } from '../merkle.js'
import type { SignedHead } from '../reports.js'
import { fromBase64, openNote, readVerifier, type Signer, signNote, splitNotes } from './notes.js'

const PROOF = 'c2sp.org/tlog-proof@v1'
const NUMBER = /^(0|[1-9]\d{0,15})$/

/** A head, signed (C2SP tlog-checkpoint). */
export function signHead(signer: Signer, size: number, root: string): SignedHead {
  const body = `${signer.name}\n${size}\n${Buffer.from(root, 'hex').toString('base64')}\n`
  return { origin: signer.name, size, root, text: signNote(body, signer) }
}

/**
 * A signed head: a C2SP checkpoint, or a file of a proof, which ends with one. The log itself must have signed it, with one of these keys.
 * @throws OpDbusError INVALID_INPUT for what is none, or was signed by none of these
 */
export function openHead(text: string, verifierKeys: readonly string[]): SignedHead {
  const note = noteOf(text)
  if (!Array.isArray(verifierKeys)) throw invalid('verifier keys are a list of texts')
  const { text: body, signers } = openNote(note, verifierKeys.map(readVerifier))
  const head = { ...headIn(body), text: note }
  if (!signers.some(({ name }) => name === head.origin))
    throw invalid(`this is a head of "${head.origin}", which did not sign it`)
  return head
}

/** Heads that were saved one behind the other in one file. Whoever relies on one opens it. */
export function splitHeads(text: string): string[] {
  return splitNotes(textIn(text))
}

/** What a head says whose signature nobody can check. @throws OpDbusError INVALID_INPUT for what is none */
export function uncheckedHead(text: string): SignedHead {
  const note = noteOf(text)
  const end = note.indexOf('\n\n')
  return { ...headIn(note.slice(0, end < 0 ? note.length : end + 1)), text: note }
}

function noteOf(text: string): string {
  return isProof(textIn(text)) ? text.slice(text.indexOf('\n\n') + 2) : text
}

/** What somebody gave as a text. */
function textIn(value: string): string {
  if (typeof value === 'string') return value
  throw invalid('a head and a proof are texts')
}

function headIn(body: string): Omit<SignedHead, 'text'> {
  const [origin = '', size = '', root = '', ...extensions] = body.slice(0, -1).split('\n')
  const bytes = fromBase64(root)
  const count = Number(size)
  if (origin === '' || !NUMBER.test(size) || !Number.isSafeInteger(count) || bytes?.length !== HASH_BYTES) {
    throw invalid('this is no checkpoint: its lines are a name, a number of blocks, and a hash in base64')
  }
  if (extensions.includes('')) throw invalid('this is no checkpoint: it has empty lines')
  if (count === 0 && !bytes.equals(EMPTY_ROOT)) throw invalid('this is no checkpoint: no blocks have another hash')
  return { origin, size: count, root: bytes.toString('hex') }
}

/** C2SP tlog-proof: block `number` is in the log whose head this is. */
export function proofText(number: number, path: readonly string[], head: SignedHead): string {
  return [PROOF, `index ${number}`, ...path.map(toBase64), '', head.text].join('\n')
}

/** As C2SP tlog-witness sends it to `add-checkpoint`: the log whose head this is continues its first `old` blocks. */
export function consistencyText(old: number, path: readonly string[], head: SignedHead): string {
  return [`old ${old}`, ...path.map(toBase64), '', head.text].join('\n')
}

/**
 * That `entry` (the canonical JSON of a block's header) is in the log whose head was signed, by a `.tlog-proof` file.
 * @throws OpDbusError INVALID_INPUT for what is no proof of that
 */
export function checkProof(
  proof: string,
  entry: string | Uint8Array,
  verifierKeys: readonly string[],
): SignedHead & { readonly number: number } {
  const { number, path } = readProof(proof)
  if (typeof entry !== 'string' && !(entry instanceof Uint8Array)) throw invalid('an entry is a text, or its bytes')
  const head = openHead(proof, verifierKeys)
  if (!isIncluded(leafHash(entry), number, treeOf(head), path)) {
    throw invalid(`this does not prove that the entry is block ${number} of the ${head.size} of "${head.origin}"`)
  }
  return { ...head, number }
}

/**
 * That the log of `proof` continues the saved head `head`; the keys must have signed both.
 * @throws OpDbusError INVALID_INPUT for what is no proof of that
 */
export function checkConsistency(proof: string, head: string, verifierKeys: readonly string[]): SignedHead {
  const { old, path } = readConsistency(proof)
  const now = openHead(proof, verifierKeys)
  const before = openHead(head, verifierKeys)
  if (old !== before.size) throw invalid(`this proves from ${old} blocks on, and the saved head has ${before.size}`)
  if (!isContinued(treeOf(before), treeOf(now), path)) {
    throw invalid(`this does not prove that the ${now.size} blocks continue the ${before.size} of the saved head`)
  }
  return now
}

/** A head as a tree. */
export function treeOf({ size, root }: Pick<SignedHead, 'size' | 'root'>): { size: number; root: Buffer } {
  return { size, root: Buffer.from(root, 'hex') }
}

/** A file of a proof, by its first line. */
function isProof(text: string): boolean {
  return text.startsWith(`${PROOF}\n`) || /^old \d+\n/.test(text)
}

function readProof(text: string): { number: number; path: Buffer[] } {
  const [form, ...lines] = linesBefore(textIn(text))
  // Opaque, and vouched for by nobody.
  if (lines[0]?.startsWith('extra ')) lines.shift()
  const [, index] = /^index (\d+)$/.exec(lines.shift() ?? '') ?? []
  if (form !== PROOF || index === undefined) throw invalid(`this is no proof: it begins with "${PROOF}" and "index N"`)
  return { number: numberOf(index), path: pathOf(lines) }
}

function readConsistency(text: string): { old: number; path: Buffer[] } {
  const [first = '', ...lines] = linesBefore(textIn(text))
  const [, old] = /^old (\d+)$/.exec(first) ?? []
  if (old === undefined) throw invalid('this is no proof that a log continues another: it begins with "old N"')
  return { old: numberOf(old), path: pathOf(lines) }
}

/** The lines before the first that is empty. */
function linesBefore(text: string): string[] {
  const end = text.indexOf('\n\n')
  return end < 0 ? [] : text.slice(0, end).split('\n')
}

function numberOf(digits: string): number {
  if (!NUMBER.test(digits) || !Number.isSafeInteger(Number(digits))) throw invalid(`${digits} is no number of a block`)
  return Number(digits)
}

function pathOf(lines: readonly string[]): Buffer[] {
  if (lines.length > MAX_PATH) throw invalid(`a proof has at most ${MAX_PATH} hashes`)
  return lines.map(line => {
    const bytes = fromBase64(line)
    if (bytes?.length !== HASH_BYTES) throw invalid('a line of this proof is no hash in base64')
    return bytes
  })
}

function toBase64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64')
}
