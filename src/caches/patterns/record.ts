// What is kept on disk of one pattern, as JSON text, and how far two vectors are apart. Believes nothing it reads.
import type { Device, Embedding } from '../../ports.js'

import type { Places } from './cover.js'

/**
 * `learning`: fewer than k members are known. `serving`: they agreed. `refused`: two of them did not. `revoked`: a check
 * failed; the revocation that counts stands apart, this is what takes the place of the record that served.
 */
export type PatternState = 'learning' | 'serving' | 'refused' | 'revoked'

export interface PatternRecord {
  readonly state: PatternState
  /** For people: the first characters of the template. */
  readonly template: string
  /** The largest distance between two members seen so far. */
  readonly spread: number
  /** Digests of texts that were computed, so that one is not counted twice: all members, or the last MOST_IDS. No text is kept. */
  readonly ids: readonly string[]
  /** What they had in their variable parts. */
  readonly places: Places
  /** Checks passed since the pattern last saw something new. */
  readonly clean: number
  /** While learning one for each id; serving, the one that serves; refused, none. */
  readonly embeddings: readonly Embedding[]
}

/** Texts that a serving pattern knows to have counted. */
export const MOST_IDS = 64
const VERSION = 2
const TEMPLATE_LENGTH = 200
const DEVICES: readonly string[] = ['cuda', 'webgpu', 'cpu', 'wasm', 'custom'] satisfies Device[]

export function encodeRecord({ state, template, spread, ids, places, clean, embeddings }: PatternRecord): Uint8Array {
  const vectors = embeddings.map(({ vector, ...rest }) => ({ ...rest, vector: toBase64(vector) }))
  const document = {
    v: VERSION,
    state,
    template: template.slice(0, TEMPLATE_LENGTH).toWellFormed(),
    spread,
    ids,
    places,
    clean,
    vectors,
  }
  return new TextEncoder().encode(JSON.stringify(document))
}

/** The record, or undefined when the bytes are no record of `dims` floats by this version. */
export function decodeRecord(bytes: Uint8Array, dims: number): PatternRecord | undefined {
  try {
    const { v, state, template, spread, ids, places, clean, vectors } = JSON.parse(new TextDecoder().decode(bytes))
    const embeddings = (vectors as Record<string, unknown>[]).map(one => readEmbedding(one, dims))
    const count = { learning: ids.length, serving: 1, refused: 0, revoked: 0 }[state as PatternState]
    const sound =
      v === VERSION &&
      typeof template === 'string' &&
      Number.isFinite(spread) &&
      Number.isSafeInteger(clean) &&
      arePlaces(places) &&
      embeddings.length === count &&
      (ids as unknown[]).every(id => typeof id === 'string')
    return sound ? { state, template, spread, ids, places, clean, embeddings } : undefined
  } catch {
    return undefined
  }
}

function arePlaces(places: unknown): places is Places {
  const isMark = (mark: unknown) => Number.isSafeInteger(mark)
  return Array.isArray(places) && places.every(seen => seen === null || (Array.isArray(seen) && seen.every(isMark)))
}

function readEmbedding({ vector, tokens, truncated, device }: Record<string, unknown>, dims: number): Embedding {
  const floats = fromBase64(vector as string)
  const sound =
    floats.length === dims &&
    floats.every(Number.isFinite) &&
    Number.isSafeInteger(tokens) &&
    typeof truncated === 'boolean' &&
    DEVICES.includes(device as string)
  if (!sound) throw new TypeError('no embedding')
  return { vector: floats, tokens: tokens as number, truncated: truncated as boolean, device: device as Device }
}

/** Float32, little-endian, as every platform of ours has them. */
function toBase64(vector: Float32Array): string {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

function fromBase64(text: string): Float32Array {
  return new Float32Array(Uint8Array.from(atob(text), character => character.charCodeAt(0)).buffer)
}

/**
 * |a - b| over the longer of the two: for vectors of length 1 the plain distance, sqrt(2 - 2 cos). Bounds what any
 * dot product can be off by, |q.a - q.b| <= |q||a - b|, and needs no vectors of length 1 to mean something.
 */
export function distance(a: Float32Array, b: Float32Array): number {
  let apart = 0
  let first = 0
  let second = 0
  for (let i = 0; i < a.length; i++) {
    apart += (a[i]! - b[i]!) ** 2
    first += a[i]! ** 2
    second += b[i]! ** 2
  }
  return apart === 0 ? 0 : Math.sqrt(apart / Math.max(first, second))
}
