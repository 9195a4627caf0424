// Reference vectors as JSON and back: the form of `op-dbus-reference.json` beside the built-in model. Runs in every runtime.

import type { Reference } from './self-check.js'

interface ReferenceJson {
  readonly encoding: string
  readonly source?: unknown
  readonly dims: number
  readonly cases: readonly { readonly text: string; readonly vector: string }[]
}

export function referenceToJson({ texts, matrix }: Reference): ReferenceJson {
  const dims = matrix.length / texts.length
  const bytesOf = (row: number) => new Uint8Array(matrix.slice(row * dims, (row + 1) * dims).buffer)
  const cases = texts.map((text, row) => ({ text, vector: btoa(String.fromCharCode(...bytesOf(row))) }))
  return { encoding: 'base64 float32 little-endian', dims, cases }
}

/** Undefined for what is none of `dims` dims. */
export function referenceFromJson(json: unknown, dims: number): Reference | undefined {
  const { cases, source } = (json ?? {}) as Partial<ReferenceJson>
  if (!Array.isArray(cases) || cases.length === 0) return undefined
  const rows = cases.map(({ vector }) => Uint8Array.from(atob(vector), char => char.charCodeAt(0)))
  if (rows.some(row => row.length !== 4 * dims)) return undefined
  const matrix = new Float32Array(rows.length * dims)
  for (const [at, row] of rows.entries()) matrix.set(new Float32Array(row.buffer), at * dims)
  return { texts: cases.map(({ text }) => text), matrix, ...(typeof source === 'string' && { source }) }
}
