// The arithmetic of Merkle trees, against vectors that others published and against the RFC's own words.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  consistencyRanges,
  EMPTY_ROOT,
  inclusionRanges,
  isContinued,
  isIncluded,
  join,
  leafHash,
  nodeHash,
  type Range,
  rootOf,
  subtreesOf,
} from '../../src/blockchain/merkle.js'
import { oracleConsistency, oraclePath, oracleRoot } from './merkle-oracle.js'

/** The leaves and roots that implementations of Certificate Transparency are tested with (google/certificate-transparency-go, testdata). */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  leaf => leafHash(Buffer.from(leaf, 'hex')),
)
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

const hexes = (hashes: readonly Uint8Array[]) => hashes.map(hash => Buffer.from(hash).toString('hex'))

/** The hash of a node, from the leaves. */
function node(range: Range, leaves: readonly Buffer[]): Uint8Array {
  return join(
    subtreesOf(range).map(({ height, index }) =>
      Buffer.from(rootOf(Buffer.concat(leaves.slice(index * 2 ** height, (index + 1) * 2 ** height)))),
    ),
  )
}

const leavesOf = (size: number) => Array.from({ length: size }, (_, i) => leafHash(`leaf ${i}`))

describe('merkle', () => {
  it('has the roots that others published for sizes 0 to 8', () => {
    for (const [size, root] of ROOTS.entries()) {
      expect(hexes([node({ from: 0, to: size }, LEAVES)])).toEqual([root])
      expect(oracleRoot(LEAVES.slice(0, size)).toString('hex')).toBe(root)
    }
    expect(EMPTY_ROOT.toString('hex')).toBe(ROOTS[0])
    expect(nodeHash(LEAVES[0]!, LEAVES[1]!).toString('hex')).toBe(ROOTS[2])
  })

  it('has the proofs that others published', () => {
    const path = (index: number, size: number) => hexes(inclusionRanges(index, size).map(range => node(range, LEAVES)))
    expect(path(0, 1)).toEqual([])
    expect(path(0, 8)).toEqual([
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ])
    expect(path(5, 8)).toEqual([
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ])
    const between = (from: number, size: number) =>
      hexes(consistencyRanges(from, size).map(range => node(range, LEAVES)))
    expect(between(1, 1)).toEqual([])
    expect(between(0, 8)).toEqual([])
    expect(between(6, 8)).toEqual([
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ])
    expect(between(2, 5)).toEqual([
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ])
  })

  it('makes the proofs of the RFC, and accepts them', () => {
    const sizes = fc.integer({ min: 1, max: 300 })
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (size, a, b) => {
        const leaves = leavesOf(size)
        const tree = { size, root: oracleRoot(leaves) }
        const index = a % size
        const path = inclusionRanges(index, size).map(range => node(range, leaves))
        expect(hexes(path)).toEqual(hexes(oraclePath(index, leaves)))
        expect(isIncluded(leaves[index]!, index, tree, path)).toBe(true)
        const old = 1 + (b % size)
        const between = consistencyRanges(old, size).map(range => node(range, leaves))
        expect(hexes(between)).toEqual(hexes(oracleConsistency(old, leaves)))
        expect(isContinued({ size: old, root: oracleRoot(leaves.slice(0, old)) }, tree, between)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  it('refuses whatever differs from a proof in one thing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 140 }), fc.nat(), fc.nat(), (size, a, b) => {
        const leaves = leavesOf(size)
        const tree = { size, root: oracleRoot(leaves) }
        const index = a % size
        const path = oraclePath(index, leaves)
        const bad = Buffer.alloc(32, 7)
        const other = (hashes: readonly Buffer[]) => [
          [...hashes, bad],
          [bad, ...hashes],
          ...hashes.map((_, i) => hashes.toSpliced(i, 1)),
          ...hashes.map((_, i) => hashes.toSpliced(i, 1, bad)),
          ...hashes.map((hash, i) => hashes.toSpliced(i, 0, hash)),
          ...(hashes.length > 1 ? [[...hashes].reverse()] : []),
        ]
        for (const wrong of other(path)) expect(isIncluded(leaves[index]!, index, tree, wrong)).toBe(false)
        for (let i = 0; i < size + 2; i++)
          if (i !== index) expect(isIncluded(leaves[index]!, i, tree, path)).toBe(false)
        expect(isIncluded(bad, index, tree, path)).toBe(false)
        expect(isIncluded(leaves[index]!, index, { size, root: bad }, path)).toBe(false)
        expect(isIncluded(leaves[index]!, -1, tree, path)).toBe(false)

        const old = 1 + (b % (size - 1))
        const before = { size: old, root: oracleRoot(leaves.slice(0, old)) }
        const between = oracleConsistency(old, leaves)
        for (const wrong of other(between)) expect(isContinued(before, tree, wrong)).toBe(false)
        expect(isContinued(before, tree, [])).toBe(false)
        expect(isContinued({ size: old, root: bad }, tree, between)).toBe(false)
        expect(isContinued(before, { size, root: bad }, between)).toBe(false)
        expect(isContinued(tree, before, between)).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  it('knows how trees of one size, and of none, continue', () => {
    const tree = { size: 3, root: oracleRoot(LEAVES.slice(0, 3)) }
    const none = { size: 0, root: EMPTY_ROOT }
    expect(isContinued(tree, tree, [])).toBe(true)
    expect(isContinued(tree, tree, [tree.root])).toBe(false)
    expect(isContinued({ size: 3, root: LEAVES[0]! }, tree, [])).toBe(false)
    expect(isContinued(none, tree, [])).toBe(true)
    expect(isContinued(none, tree, [tree.root])).toBe(false)
    expect(isContinued({ size: 0, root: tree.root }, tree, [])).toBe(false)
    expect(isContinued(none, none, [])).toBe(true)
  })

  it('counts beyond 32 bits', () => {
    const size = 2 ** 40 + 5
    const ranges = inclusionRanges(2 ** 33 + 1, size)
    expect(ranges).toHaveLength(41)
    const hashes = ranges.map(({ from, to }) => leafHash(`${from} ${to}`))
    const leaf = leafHash('x')
    let hash = leaf
    for (const [i, range] of ranges.entries()) {
      hash = range.from > 2 ** 33 + 1 ? nodeHash(hash, hashes[i]!) : nodeHash(hashes[i]!, hash)
    }
    expect(isIncluded(leaf, 2 ** 33 + 1, { size, root: hash }, hashes)).toBe(true)
    expect(isIncluded(leaf, 2 ** 33 + 3, { size, root: hash }, hashes)).toBe(false)
  })
})
