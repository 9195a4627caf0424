// Digests of whole files in a page or worker: by the browser where it offers them, else in JavaScript. Part of the web root.
import { sha1 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'

/** SHA-256 as 64 hex digits. */
export function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return digest('SHA-256', bytes)
}

/**
 * Whether `bytes` are those that `name` stands for: 64 hex digits of SHA-256, or 40 of what Git calls a file (SHA-1 over
 * a header and the bytes), as hubs name small files.
 */
export async function isNamed(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<boolean> {
  if (name.length === 64) return (await sha256Of(bytes)) === name
  return (await digest('SHA-1', concatBytes(utf8ToBytes(`blob ${bytes.length}\0`), bytes))) === name
}

async function digest(name: 'SHA-1' | 'SHA-256', bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Only secure contexts have it; a page at a plain http address of a local network is none.
  const { subtle } = globalThis.crypto ?? {}
  if (subtle) return bytesToHex(new Uint8Array(await subtle.digest(name, bytes)))
  return bytesToHex(name === 'SHA-1' ? sha1(bytes) : sha256(bytes))
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
