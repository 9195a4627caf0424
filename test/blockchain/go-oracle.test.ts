// What strangers check, checked with what strangers have.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { exportTiles } from '../../src/blockchain/log/export-tiles.js'
import { tilePath } from '../../src/blockchain/log/tile-paths.js'
import { isContinued, isIncluded } from '../../src/blockchain/merkle.js'
import { seeded } from '../../src/sample-lines.js'
import { memoryFolder } from '../support.js'
import { describeWithGo } from './go-verifier.js'
import { type LogParts, logParts } from './log-parts.js'

/** As the Go program reads it: `n` is the size; `i` the leaf's number, or the old size; `leaf` the leaf's hash, or the old root. */
interface Proof {
  readonly kind: 'inc' | 'con'
  readonly n: number
  readonly i: number
  readonly leaf: string
  readonly root: string
  readonly proof: readonly string[]
}

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')
const bytes = (text: string) => Buffer.from(text, 'base64')

function isRight({ kind, n, i, leaf, root, proof }: Proof): boolean {
  const tree = { size: n, root: bytes(root) }
  const path = proof.map(bytes)
  return kind === 'inc'
    ? isIncluded(bytes(leaf), i, tree, path)
    : isContinued({ size: i, root: bytes(leaf) }, tree, path)
}

async function proofsUpTo({ tree, disk }: LogParts, size: number): Promise<Proof[]> {
  const proofs: Proof[] = []
  const roots = await Promise.all(Array.from({ length: size + 1 }, (_, n) => tree.root(n)))
  for (let n = 1; n <= size; n++) {
    for (let i = 0; i <= n; i++) {
      const of = { n, i, root: base64(roots[n]!) }
      if (i < n) {
        const proof = (await tree.inclusion(i, n)).map(base64)
        proofs.push({ ...of, kind: 'inc', leaf: base64(disk.blocks[i]!.hash), proof })
      }
      if (i > 0) {
        const proof = (await tree.consistency(i, n)).map(base64)
        proofs.push({ ...of, kind: 'con', leaf: base64(roots[i]!), proof })
      }
    }
  }
  return proofs
}

/** Different from the proof in one thing. */
function mutated(original: Proof, random: () => number): Proof {
  const pick = (count: number) => Math.floor(random() * count)
  const flip = (text: string) => {
    const copy = bytes(text)
    copy[pick(32)]! ^= 1 << pick(8)
    return copy.toString('base64')
  }
  const { kind, n, i, leaf, root, proof } = original
  const at = pick(proof.length)
  const flipped = { ...original, proof: proof.with(at, flip(proof[at]!)) }
  switch (pick(7)) {
    case 0:
      return { ...original, proof: proof.toSpliced(at, 1) }
    case 1:
      return { ...original, proof: proof.toSpliced(at, 0, flip(proof[at]!)) }
    case 2:
      return proof.length > 1 ? { ...original, proof: [...proof.slice(1), proof[0]!] } : flipped
    case 3:
      return { ...original, leaf: flip(leaf) }
    case 4:
      return { ...original, root: flip(root) }
    case 5:
      return kind === 'inc' ? { ...original, i: (i + 1 + pick(n - 1)) % n } : flipped
    default:
      return flipped
  }
}

describeWithGo('with the Go verifier', verify => {
  it('accepts 70,000 blocks as tiles, which came by and by, and names what is damaged', {
    timeout: 60_000,
  }, async () => {
    const dir = memoryFolder()
    const parts = logParts(dir)
    const out = join(dir, 'out')
    const check = () => verify(out, '-', join(out, 'key.pub'))
    let before = ''
    for (const size of [1, 255, 256, 257, 65_530, 70_000]) {
      await parts.store.fill(size - parts.store.size())
      const report = await exportTiles(parts, out, {})
      expect(report.head.size).toBe(size)
      expect(check()).toEqual({ status: 0, output: `OK ${size} ${base64(report.head.root)}\n` })
      expect(report.head.text).not.toBe(before)
      before = report.head.text
    }
    for (const number of [0, 65_535, 69_999]) {
      const index = Math.floor(number / 256)
      const width = Math.min(256, 70_000 - index * 256)
      const file = join(out, tilePath({ level: 'entries', index, width }))
      const whole = readFileSync(file)
      let at = 0
      for (let i = index * 256; i < number; i++) at += 2 + whole.readUInt16BE(at)
      const broken = Buffer.from(whole)
      broken[at + 30]! ^= 1
      writeFileSync(file, broken)
      expect(check()).toEqual({ status: 1, output: `BAD entry ${number}\n` })
      writeFileSync(file, whole)
    }
  })

  it('names each entry that is damaged', { timeout: 60_000 }, async () => {
    const dir = memoryFolder()
    const parts = logParts(dir)
    const out = join(dir, 'out')
    await parts.store.fill(100)
    await exportTiles(parts, out, {})
    const file = join(out, tilePath({ level: 'entries', index: 0, width: 100 }))
    const whole = readFileSync(file)
    for (let number = 0, at = 0; number < 100; number++) {
      const broken = Buffer.from(whole)
      const length = whole.readUInt16BE(at)
      broken[at + 2 + ((number * 7) % length)]! ^= 1 << (number % 8)
      writeFileSync(file, broken)
      expect(verify(out, '-', join(out, 'key.pub'))).toEqual({ status: 1, output: `BAD entry ${number}\n` })
      at += 2 + length
    }
  })

  it('accepts every proof for sizes 1 to 130, and refuses 20,000 that were changed, as we do', {
    timeout: 60_000,
  }, async () => {
    const dir = memoryFolder()
    const parts = logParts(dir)
    const out = join(dir, 'out')
    await parts.store.fill(130)
    await exportTiles(parts, out, {})
    copyFileSync(join(out, 'key.pub'), `${out}.pub`)
    const told = (proofs: readonly Proof[]) => {
      writeFileSync(join(dir, 'proofs.json'), JSON.stringify(proofs))
      return verify(out, join(dir, 'proofs.json')).output.split('\n').at(-2)
    }

    const proofs = await proofsUpTo(parts, 130)
    expect(proofs).toHaveLength(17_030)
    const long = proofs.filter(({ proof }) => proof.length > 0)
    // The Go program changes a bit of each by itself, too.
    expect(told(proofs)).toBe(`proofs accepted 17030 refused 0 | mutated ${long.length} wrongly accepted 0`)
    expect(proofs.every(isRight)).toBe(true)

    const random = seeded(14)
    const wrong = Array.from({ length: 20_000 }, () => mutated(long[Math.floor(random() * long.length)]!, random))
    expect(told(wrong)).toMatch(/^proofs accepted 0 refused 20000 \|/)
    expect(wrong.filter(isRight)).toEqual([])
  })
})
