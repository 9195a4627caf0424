// The bytes of one embedding in a store. Knows no medium and no key: a store adds its own key and checksum around it.
import type { Device, Embedding } from '../ports.js'

/*
   0      1       2        3      4            8
  +------+-------+--------+------+------------+---------------------- - -
  | form | flags | device |  0   | tokens u32 | dims x float32, little-endian
  +------+-------+--------+------+------------+---------------------- - -
*/
const HEADER_BYTES = 8
const FORM = 1
const TRUNCATED = 1
/** Numbers are on disk: a new device gets the next one, and no device another. */
const DEVICE_NUMBERS: Readonly<Record<Device, number>> = { cpu: 0, wasm: 1, webgpu: 2, cuda: 3, custom: 4 }
const DEVICES: readonly Device[] = (Object.keys(DEVICE_NUMBERS) as Device[]).sort(
  (one, other) => DEVICE_NUMBERS[one] - DEVICE_NUMBERS[other],
)

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** The length of every value for vectors of `dims` floats, in bytes. */
export function vecBytes(dims: number): number {
  return HEADER_BYTES + 4 * dims
}

export function encodeVec(embedding: Embedding): Uint8Array {
  const place = new VecPlace(embedding.vector.length)
  place.write(embedding)
  return place.bytes
}

/** Room for the bytes of one embedding, that may be written to again and again. */
export class VecPlace {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly #floats: Float32Array

  constructor(dims: number) {
    this.bytes = new Uint8Array(vecBytes(dims))
    this.#floats = new Float32Array(this.bytes.buffer, HEADER_BYTES, dims)
  }

  write({ vector, tokens, truncated, device }: Embedding): void {
    const { bytes } = this
    bytes[0] = FORM
    bytes[1] = truncated ? TRUNCATED : 0
    bytes[2] = DEVICE_NUMBERS[device]
    bytes[4] = tokens
    bytes[5] = tokens >>> 8
    bytes[6] = tokens >>> 16
    bytes[7] = tokens >>> 24
    this.#floats.set(vector)
    if (!littleEndian) swapFloats(bytes)
  }
}

/**
 * The embedding in `bytes`, or undefined when they are not one of `dims` floats in a form known here. The vector is a view
 * onto `bytes` where alignment allows: nobody else may write to them, and who keeps it for long copies it, since they may be
 * part of a larger buffer.
 */
export function decodeVec(bytes: Uint8Array, dims: number): Embedding | undefined {
  const device = DEVICES[bytes[2] ?? DEVICES.length]
  if (bytes.length !== vecBytes(dims) || bytes[0] !== FORM || device === undefined) return undefined
  const own = littleEndian && (bytes.byteOffset + HEADER_BYTES) % 4 === 0 ? bytes : new Uint8Array(bytes)
  if (!littleEndian) swapFloats(own)
  return {
    vector: new Float32Array(own.buffer as ArrayBuffer, own.byteOffset + HEADER_BYTES, dims),
    tokens: (own[4]! | (own[5]! << 8) | (own[6]! << 16) | (own[7]! << 24)) >>> 0,
    truncated: (own[1]! & TRUNCATED) !== 0,
    device,
  }
}

function swapFloats(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  for (let at = HEADER_BYTES; at < bytes.length; at += 4) view.setUint32(at, view.getUint32(at, true), false)
}
