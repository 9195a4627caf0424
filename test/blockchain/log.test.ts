// The chain as a log: its key, what it signs and what it does not, and proofs that strangers can check.
import { execFileSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, hash } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkConsistency, checkProof, openHead } from '../../src/blockchain/log/heads.js'
import { knownKeys } from '../../src/blockchain/log/known-keys.js'
import { logKey, signedHead } from '../../src/blockchain/log/log.js'
import { openNote, readVerifier } from '../../src/blockchain/log/notes.js'
import { proveBlock, proveConsistency } from '../../src/blockchain/log/proofs.js'
import { onPath } from '../programs.js'
import { memoryFolder } from '../support.js'
import { logParts } from './log-parts.js'
import { oracleRoot } from './merkle-oracle.js'

/** The example of C2SP's signed-note. */
const NOTE = `This is an example message.

\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`
const NOTE_KEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'

const keyFile = (dir: string) => join(dir, 'blockchain', 'key')
const checkpoint = (dir: string) => join(dir, 'blockchain', 'checkpoint')

/** Another leaf, and all that stands on it. */
function changeTree(dir: string, leaf: number): void {
  const leaves = readFileSync(join(dir, '00'))
  leaves[leaf * 32]! ^= 1
  const all = Array.from({ length: leaves.length / 32 }, (_, i) => leaves.subarray(i * 32, i * 32 + 32))
  const tiles = Array.from({ length: all.length / 256 }, (_, i) => oracleRoot(all.slice(i * 256, i * 256 + 256)))
  const text = `op-dbus tree 1\n${all.length}\n${oracleRoot(all).toString('hex')}\n`
  writeFileSync(join(dir, '00'), leaves)
  writeFileSync(join(dir, '08'), Buffer.concat(tiles))
  writeFileSync(join(dir, 'record'), `${text}${hash('sha256', text)}\n`)
}

async function withBlocks(count: number) {
  const dir = memoryFolder()
  const parts = logParts(dir)
  await parts.store.fill(count)
  return { dir, parts }
}

describe('the key', () => {
  it('is made once, for its owner alone, and read by other programs', async () => {
    const { dir, parts } = await withBlocks(0)
    const made = await logKey(parts, {})
    expect(made).toMatchObject({ created: true, file: keyFile(dir), retired: [] })
    expect(made.origin).toMatch(/^op-dbus\/[0-9a-f]{16}$/)
    expect(made.verifierKey).toMatch(/^op-dbus\/[0-9a-f]{16}\+[0-9a-f]{8}\+A[A-Za-z0-9+/]{43}$/)
    expect(statSync(keyFile(dir)).mode & 0o777).toBe(0o600)
    const text = readFileSync(keyFile(dir), 'utf8')
    expect(await logKey(logParts(dir), {})).toEqual({ ...made, created: false })
    expect(readFileSync(keyFile(dir), 'utf8')).toBe(text)

    const publicKey = createPublicKey(createPrivateKey(text)).export({ format: 'der', type: 'spki' })
    expect(readVerifier(made.verifierKey).publicKey.export({ format: 'der', type: 'spki' })).toEqual(publicKey)
    const openssl = onPath('openssl')
    if (openssl)
      expect(execFileSync(openssl, ['pkey', '-in', keyFile(dir), '-pubout', '-outform', 'DER'])).toEqual(publicKey)
  })

  it('is one, however many ask for it at first', async () => {
    const dir = memoryFolder()
    const keys = await Promise.all(Array.from({ length: 5 }, () => logKey(logParts(dir), {})))
    expect(new Set(keys.map(({ verifierKey }) => verifierKey)).size).toBe(1)
    expect(keys.filter(({ created }) => created)).toHaveLength(1)
  })

  it('has the name that was chosen, which stays', async () => {
    const { parts } = await withBlocks(3)
    const origin = 'example.com/\u00e4nderungen'
    expect(await logKey(parts, { origin })).toMatchObject({ origin, created: true })
    expect((await signedHead(parts)).text.split('\n')[0]).toBe(origin)
    expect(await logKey(parts, { origin })).toMatchObject({ origin, created: false })
    await expect(logKey(parts, { origin: 'example.com/b' })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await logKey(parts, {})).toMatchObject({ origin })
  })

  it.each([
    '',
    'a b',
    'a\u00a0b',
    'a\u2028b',
    'a+b',
    'a\nb',
    'a\u0085b',
    '\ud800',
    'x'.repeat(256),
    '\u00e4'.repeat(128),
    7 as unknown as string,
  ])('has no name like %j', async origin => {
    const { dir, parts } = await withBlocks(1)
    await expect(logKey(parts, { origin })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(readdirSync(join(dir, 'blockchain'))).toEqual([])
  })

  it('is refused where others may read it', async () => {
    const { dir, parts } = await withBlocks(1)
    await logKey(parts, {})
    for (const mode of [0o640, 0o604, 0o644, 0o620]) {
      chmodSync(keyFile(dir), mode)
      const refusal = { code: 'STORE', message: expect.stringContaining('chmod 600') }
      await expect(logKey(parts, {})).rejects.toMatchObject(refusal)
      await expect(signedHead(parts)).rejects.toMatchObject(refusal)
    }
    chmodSync(keyFile(dir), 0o600)
    await signedHead(parts)
  })

  it('is refused where it is damaged in one place, whichever that is', async () => {
    const { dir, parts } = await withBlocks(1)
    const { verifierKey } = await logKey(parts, {})
    const whole = readFileSync(keyFile(dir))
    const refusal = { code: 'STORE', message: expect.stringContaining('damaged') }
    for (let at = 0; at < whole.length; at++) {
      const broken = Buffer.from(whole)
      broken[at]! ^= 1 << (at % 8)
      writeFileSync(keyFile(dir), broken)
      await expect(logKey(parts, {}), `${at}`).rejects.toMatchObject(refusal)
    }
    for (const text of ['', whole.subarray(0, 100), Buffer.concat([whole, whole])]) {
      writeFileSync(keyFile(dir), text)
      await expect(signedHead(parts)).rejects.toMatchObject(refusal)
    }
    rmSync(keyFile(dir))
    writeFileSync(join(dir, 'elsewhere'), whole, { mode: 0o600 })
    symlinkSync(join(dir, 'elsewhere'), keyFile(dir))
    await expect(signedHead(parts)).rejects.toMatchObject({ code: 'STORE' })
    rmSync(keyFile(dir))
    renameSync(join(dir, 'elsewhere'), keyFile(dir))
    expect(await logKey(parts, {})).toMatchObject({ verifierKey })
  })
})

describe('notes', () => {
  it('are those of C2SP', () => {
    const key = readVerifier(NOTE_KEY)
    expect(openNote(NOTE, [key])).toEqual({ text: 'This is an example message.\n', signers: [key] })
  })

  it('are refused where one byte is another', () => {
    const key = readVerifier(NOTE_KEY)
    const bytes = Buffer.from(NOTE)
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [0, 5]) {
        const broken = Buffer.from(bytes)
        broken[at]! ^= 1 << bit
        expect(() => openNote(broken.toString('utf8'), [key]), `${at} ${bit}`).toThrow()
      }
    }
    for (const text of ['', '\n\n', 'a\n\n', NOTE.trimEnd(), `${NOTE}\n`, NOTE.replace('\n\n', '\n')]) {
      expect(() => openNote(text, [key]), JSON.stringify(text)).toThrow()
    }
  })

  it('bear signatures of others, which are not looked at', () => {
    const key = readVerifier(NOTE_KEY)
    const other = NOTE.split('\n').at(-2)!.replace('example.com/foo', 'example.com/bar')
    expect(openNote(`${NOTE}${other}\n`, [key]).signers).toEqual([key])
    expect(() => openNote(`${NOTE.split('\n\n')[0]}\n\n${other}\n`, [key])).toThrow('not signed')
    expect(() => openNote(NOTE, [])).toThrow('not signed')
  })

  it.each(
    [
      NOTE_KEY.replace('530d903a', '530d903b'),
      NOTE_KEY.replace('+AeKy', '+'),
      NOTE_KEY.slice(0, -1),
      NOTE_KEY.replace('+Aek', '+Aak'),
      'example.com/foo',
      'a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
      '',
    ].filter(text => text !== NOTE_KEY),
  )('have no verifier key %j', text => {
    expect(() => readVerifier(text)).toThrow('is no verifier key')
  })
})

describe('signed heads', () => {
  it('are what C2SP calls a checkpoint, and the same until a block comes', async () => {
    const { dir, parts } = await withBlocks(5)
    const { verifierKey, origin } = await logKey(parts, {})
    const head = await signedHead(parts)
    expect(head).toMatchObject({ origin, size: 5, root: await parts.tree.root(5) })
    expect(head.text.split('\n').slice(0, 4)).toEqual([
      origin,
      '5',
      Buffer.from(head.root, 'hex').toString('base64'),
      '',
    ])
    expect(openHead(head.text, [verifierKey])).toEqual(head)
    expect(readFileSync(checkpoint(dir), 'utf8')).toBe(head.text)
    expect(await signedHead(logParts(dir, parts.disk))).toEqual(head)
    await parts.store.fill(1)
    const next = await signedHead(logParts(dir, parts.disk))
    expect(next).toMatchObject({ origin, size: 6, root: await parts.tree.root(6) })
    expect(readFileSync(checkpoint(dir), 'utf8')).toBe(next.text)
    expect(knownKeys(parts)).toEqual([verifierKey])
  })

  it('of no blocks is one', async () => {
    const { parts } = await withBlocks(0)
    const { verifierKey } = await logKey(parts, {})
    const head = await signedHead(parts)
    expect(head.size).toBe(0)
    expect(openHead(head.text, [verifierKey])).toEqual(head)
  })

  it('are refused where they were changed, or signed by somebody else', async () => {
    const { parts } = await withBlocks(5)
    const { text } = await signedHead(parts)
    const { verifierKey } = await logKey(parts, {})
    const other = (await logKey((await withBlocks(1)).parts, {})).verifierKey
    expect(() => openHead(text, [other])).toThrow('not signed')
    expect(() => openHead(text.replace('\n5\n', '\n6\n'), [verifierKey])).toThrow('wrong signature')
    expect(openHead(text, [other, verifierKey]).size).toBe(5)
    for (const wrong of ['', 'x', text.slice(0, -10), text.replaceAll('\n', '\r\n'), `${text}${text}`]) {
      expect(() => openHead(wrong, [verifierKey])).toThrow()
    }
    expect(() => openHead(NOTE, [NOTE_KEY])).toThrow('no checkpoint')
  })

  it.each([
    ['shorter', 3, 0],
    ['as long as before', 3, 2],
    ['longer', 3, 9],
  ])('are not signed for a chain that was restored and is %s', async (_, back, then) => {
    const { dir, parts } = await withBlocks(5)
    const old = await signedHead(parts)
    const { verifierKey } = await logKey(parts, {})
    parts.disk.rewrite(blocks => void blocks.splice(back))
    parts.disk.now++
    if (then > 0) await parts.store.fill(then)
    for (const again of [parts, logParts(dir, parts.disk)]) {
      const conflict = { code: 'CONFLICT', message: expect.stringContaining('--renew') }
      await expect(signedHead(again)).rejects.toMatchObject(conflict)
      await expect(proveBlock(again, 0, {})).rejects.toMatchObject(conflict)
    }
    expect(readFileSync(checkpoint(dir), 'utf8')).toBe(old.text)

    const renewed = await logKey(parts, { renew: true, origin: 'example.com/second' })
    expect(renewed).toMatchObject({ created: true, origin: 'example.com/second', retired: [verifierKey] })
    expect(await signedHead(parts)).toMatchObject({ origin: 'example.com/second', size: back + then })
    // The old head still opens, and shows that it is not continued.
    await expect(proveConsistency(parts, old.text, {})).rejects.toMatchObject({ code: 'CHAIN_DAMAGED' })
    const kept = readdirSync(join(dir, 'blockchain')).filter(name => /^(key|checkpoint)\.[0-9a-f]{16}$/.test(name))
    expect(kept).toHaveLength(2)
    expect(readFileSync(join(dir, 'blockchain', kept.find(name => name.startsWith('c'))!), 'utf8')).toBe(old.text)
  })

  it('are not signed where nobody can tell what was signed before', async () => {
    const { dir, parts } = await withBlocks(5)
    const { text } = await signedHead(parts)
    const conflict = { code: 'CONFLICT', message: expect.stringContaining('put it back') }
    rmSync(checkpoint(dir))
    await expect(signedHead(parts)).rejects.toMatchObject(conflict)
    writeFileSync(checkpoint(dir), text.replace('\n5\n', '\n4\n'))
    await expect(signedHead(parts)).rejects.toMatchObject(conflict)
    writeFileSync(checkpoint(dir), '')
    await expect(signedHead(parts)).rejects.toMatchObject(conflict)
    writeFileSync(checkpoint(dir), text)
    expect((await signedHead(parts)).text).toBe(text)

    const key = readFileSync(keyFile(dir))
    rmSync(keyFile(dir))
    await expect(signedHead(parts)).rejects.toMatchObject(conflict)
    await expect(logKey(parts, {})).rejects.toMatchObject(conflict)
    writeFileSync(keyFile(dir), key, { mode: 0o600 })
    expect((await signedHead(parts)).text).toBe(text)
  })

  it('begin anew where making the key was cut off before it was there', async () => {
    const { dir, parts } = await withBlocks(5)
    await logKey(parts, {})
    rmSync(keyFile(dir))
    expect(await signedHead(parts)).toMatchObject({ size: 5 })
  })

  it('can be had again after each step at which a renewal may be cut off', async () => {
    const { dir, parts } = await withBlocks(5)
    const first = await signedHead(parts)
    const [oldKey, oldHead] = [readFileSync(keyFile(dir)), readFileSync(checkpoint(dir))]
    await logKey(parts, { renew: true })
    const newHead = readFileSync(checkpoint(dir))
    // The new head is there, and the old key still.
    writeFileSync(keyFile(dir), oldKey)
    await expect(signedHead(parts)).rejects.toMatchObject({ code: 'CONFLICT' })
    await logKey(parts, { renew: true })
    const { origin } = await signedHead(parts)
    expect(origin).not.toBe(first.origin)
    expect(newHead).not.toEqual(oldHead)
    expect((await proveConsistency(parts, first.text, {})).from).toBe(5)
  })

  it('are not signed over a tree that was damaged', async () => {
    const { dir, parts } = await withBlocks(3000)
    const root = await parts.tree.root(3000)
    for (const name of ['00', '08']) {
      const file = join(dir, 'blockchain', 'tree', name)
      const bytes = readFileSync(file)
      bytes[33]! ^= 4
      writeFileSync(file, bytes)
    }
    expect(await signedHead(logParts(dir, parts.disk))).toMatchObject({ size: 3000, root })
  })

  it.each([0, 2000])(
    'are not signed over a tree that was changed as a whole, with %i blocks signed before',
    async before => {
      const { dir, parts } = await withBlocks(before)
      if (before > 0) await signedHead(parts)
      await parts.store.fill(3000 - before)
      const right = await parts.tree.root(3000)
      changeTree(join(dir, 'blockchain', 'tree'), 5)
      const again = logParts(dir, parts.disk)
      // Everything in it fits together, and nothing was ever signed that would tell.
      expect(await logParts(dir, parts.disk).tree.root(3000)).not.toBe(right)
      const head = await signedHead(again)
      expect(head).toMatchObject({ size: 3000, root: right })
      expect(again.warnings).toEqual([expect.stringContaining('is damaged, and is made anew')])
      changeTree(join(dir, 'blockchain', 'tree'), 700)
      const third = logParts(dir, parts.disk)
      const { verifierKey } = await logKey(third, {})
      const proof = await proveBlock(third, 700, {})
      expect(checkProof(proof.text, proof.entry, [verifierKey])).toMatchObject({ number: 700, size: 3000, root: right })
    },
  )
})

describe('proofs', () => {
  it('hold for every block, for whoever has the verifier key', async () => {
    const { parts } = await withBlocks(40)
    const { verifierKey } = await logKey(parts, {})
    for (let number = 0; number < 40; number++) {
      const proof = await proveBlock(parts, number, {})
      expect(proof).toMatchObject({ number, hash: parts.disk.blocks[number]!.hash, head: { size: 40 } })
      expect(proof.text.startsWith(`c2sp.org/tlog-proof@v1\nindex ${number}\n`)).toBe(true)
      expect(proof.text.endsWith(`\n\n${proof.head.text}`)).toBe(true)
      expect(checkProof(proof.text, proof.entry, [verifierKey])).toMatchObject({ number, size: 40 })
      expect(openHead(proof.text, [verifierKey])).toEqual(proof.head)
      const { entry } = await proveBlock(parts, (number + 1) % 40, {})
      expect(() => checkProof(proof.text, entry, [verifierKey])).toThrow('does not prove')
    }
  })

  it('may carry what nobody vouches for', async () => {
    const { parts } = await withBlocks(3)
    const { verifierKey } = await logKey(parts, {})
    const { text, entry } = await proveBlock(parts, 1, {})
    expect(checkProof(text.replace('\n', '\nextra aGk=\n'), entry, [verifierKey])).toMatchObject({ number: 1 })
  })

  it('are refused where one byte is another', async () => {
    const { parts } = await withBlocks(11)
    const { verifierKey } = await logKey(parts, {})
    const { text, entry } = await proveBlock(parts, 6, {})
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at++) {
      const broken = Buffer.from(bytes)
      broken[at]! ^= 1 << (at % 7)
      expect(() => checkProof(broken.toString('utf8'), entry, [verifierKey]), `${at}`).toThrow()
    }
    for (const wrong of ['', text.replace('index 6', 'index 06'), text.replace('index 6', 'index 99999999999999999')]) {
      expect(() => checkProof(wrong, entry, [verifierKey])).toThrow()
    }
  })

  it('that a saved head is continued hold, and are refused for another head', async () => {
    const { parts } = await withBlocks(7)
    const { verifierKey } = await logKey(parts, {})
    const saved = await signedHead(parts)
    const same = await proveConsistency(parts, saved.text, {})
    expect(same.text).toBe(`old 7\n\n${saved.text}`)
    expect(checkConsistency(same.text, saved.text, [verifierKey])).toMatchObject({ size: 7 })
    await parts.store.fill(13)
    const { consistency } = await proveBlock(parts, 3, { head: saved.text })
    expect(consistency).toMatchObject({ from: 7, head: { size: 20 } })
    expect(consistency!.text.split('\n')[0]).toBe('old 7')
    expect(checkConsistency(consistency!.text, saved.text, [verifierKey])).toMatchObject({ size: 20 })
    const newer = await signedHead(parts)
    expect(() => checkConsistency(consistency!.text, newer.text, [verifierKey])).toThrow('the saved head has 20')
    const bytes = Buffer.from(consistency!.text)
    for (let at = 0; at < bytes.length; at++) {
      const broken = Buffer.from(bytes)
      broken[at]! ^= 1 << (at % 7)
      expect(() => checkConsistency(broken.toString('utf8'), saved.text, [verifierKey]), `${at}`).toThrow()
    }
  })

  it('are not given for blocks that are not there, or with heads of others', async () => {
    const { parts } = await withBlocks(7)
    for (const number of [7, -1, 1.5, Number.NaN]) {
      await expect(proveBlock(parts, number, {})).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    const { text } = await signedHead((await withBlocks(3)).parts)
    await expect(proveBlock(parts, 0, { head: text })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(proveConsistency(parts, 'nothing', {})).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('are not given for a block that is another one than was signed', async () => {
    const { parts } = await withBlocks(7)
    await signedHead(parts)
    const { disk } = parts
    disk.rewrite(blocks => {
      blocks[3] = { ...blocks[4]!, number: 3 }
    })
    await expect(proveBlock(parts, 3, {})).rejects.toMatchObject({ code: 'CHAIN_DAMAGED', details: { block: 3 } })
  })
})
