// SHA-256 of whole files in a page or worker: by the browser where it offers it, else in JavaScript. Part of the web root.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

/** SHA-256 as 64 hex digits. */
export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Only secure contexts have it; a page at a plain http address of a local network is none.
  const { subtle } = globalThis.crypto ?? {}
  return bytesToHex(subtle ? new Uint8Array(await subtle.digest('SHA-256', bytes)) : sha256(bytes))
}

/** Whether `bytes` are those that `name` stands for, 64 hex digits of SHA-256. */
export async function isNamed(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<boolean> {
  return (await sha256Of(bytes)) === name
}
