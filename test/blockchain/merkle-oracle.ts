// RFC 6962, section 2.1, word by word and as slow as that: what the tree, its proofs and their verification are compared with.
import { hash } from 'node:crypto'

const sha = (...parts: readonly Uint8Array[]) => hash('sha256', Buffer.concat(parts), 'buffer')
const split = (n: number) => 2 ** Math.ceil(Math.log2(n) - 1)

/** MTH(D[n]); what it is called with are the hashes of the leaves. */
export function oracleRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha()
  if (leaves.length === 1) return leaves[0]!
  const k = split(leaves.length)
  return sha(Buffer.of(1), oracleRoot(leaves.slice(0, k)), oracleRoot(leaves.slice(k)))
}

/** PATH(m, D[n]) */
export function oraclePath(m: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length === 1) return []
  const k = split(leaves.length)
  return m < k
    ? [...oraclePath(m, leaves.slice(0, k)), oracleRoot(leaves.slice(k))]
    : [...oraclePath(m - k, leaves.slice(k)), oracleRoot(leaves.slice(0, k))]
}

/** PROOF(m, D[n]) */
export function oracleConsistency(m: number, leaves: readonly Buffer[], whole = true): Buffer[] {
  if (m === leaves.length) return whole ? [] : [oracleRoot(leaves)]
  const k = split(leaves.length)
  return m <= k
    ? [...oracleConsistency(m, leaves.slice(0, k), whole), oracleRoot(leaves.slice(k))]
    : [...oracleConsistency(m - k, leaves.slice(k), false), oracleRoot(leaves.slice(0, k))]
}
