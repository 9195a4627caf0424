// What a worker finds out about a file of a hub: whether it is the one that the hub names, and what an ONNX file holds. Part of
// the web root; no part of what a page loads first.
import { sha1 } from '@noble/hashes/legacy.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { isNamed } from './digest.js'

/**
 * Whether `bytes` are those that `name` stands for: 64 hex digits of SHA-256, or 40 of what Git calls a file (SHA-1 over
 * a header and the bytes), as hubs name small files.
 */
export async function isNamedByHub(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<boolean> {
  if (name.length === 64) return isNamed(bytes, name)
  const whole = concatBytes(utf8ToBytes(`blob ${bytes.length}\0`), bytes)
  const { subtle } = globalThis.crypto ?? {}
  return bytesToHex(subtle ? new Uint8Array(await subtle.digest('SHA-1', whole)) : sha1(whole)) === name
}

const DYNAMIC = utf8ToBytes('DynamicQuantizeLinear')

/** Whether an ONNX file names the operator that makes a vector depend on its batch-mates; it stands there as plain bytes. */
export function namesDynamicQuantization(bytes: Uint8Array): boolean {
  const [first] = DYNAMIC
  for (let at = bytes.indexOf(first!); at >= 0; at = bytes.indexOf(first!, at + 1)) {
    if (DYNAMIC.every((byte, i) => bytes[at + i] === byte)) return true
  }
  return false
}
