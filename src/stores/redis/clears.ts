// What stands in the server for "all was cleared": how often, which clear was the last, and the mark that values bear since then. Pure.

/** A clear, told from every other. A later one has more `times`; two at once have the same, and are two all the same. */
export interface Clear {
  readonly times: number
  /** 16 hex digits. */
  readonly id: string
}

export interface ClearToken extends Clear {
  /** 16 hex digits: what values begin with that were stored after it. */
  readonly mark: string
}

/** Of a server on which nobody knows of a clear. */
export const NO_CLEAR: Clear = { times: 0, id: '0'.repeat(16) }

/** Clears from there on all have the same number, and are told from each other by their ids: no more digits are read. */
export const MOST_TIMES = 999_999_999_999_999

/** Bytes of a mark, in front of each value. */
export const MARK_BYTES = 8

const CLEAR = /^(\d{1,15})\.([0-9a-f]{16})$/
const TOKEN = /^(\d{1,15})\.([0-9a-f]{16})\.([0-9a-f]{16})$/

export function clearText({ times, id }: Clear): string {
  return `${times}.${id}`
}

/** Undefined for what is none. */
export function parseClear(text: string): Clear | undefined {
  const [, times, id] = CLEAR.exec(text) ?? []
  return id === undefined ? undefined : { times: Number(times), id }
}

export function tokenText(token: ClearToken): string {
  return `${clearText(token)}.${token.mark}`
}

/** Undefined for what is none. */
export function parseToken(text: string): ClearToken | undefined {
  const [, times, id, mark] = TOKEN.exec(text) ?? []
  return mark === undefined ? undefined : { times: Number(times), id: id!, mark }
}

export function markBytes(mark: string): Buffer {
  return Buffer.from(mark, 'hex')
}

export function marked(mark: Buffer, value: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(MARK_BYTES + value.length)
  bytes.set(mark)
  bytes.set(value, MARK_BYTES)
  return bytes
}

/** The value; undefined where it bears another mark, or none: somebody cleared since it was stored. */
export function unmarked(mark: Buffer, bytes: Buffer): Uint8Array | undefined {
  if (bytes.length < MARK_BYTES) return undefined
  if (bytes.readInt32LE(0) !== mark.readInt32LE(0) || bytes.readInt32LE(4) !== mark.readInt32LE(4)) return undefined
  return bytes.subarray(MARK_BYTES)
}
