// The plainest chain that keeps its promises, in blocking calls, and ways to break it: with it these tests show that they notice. It is
// no part of the library.
import * as fs from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Block, type FootprintInput, NO_PREVIOUS } from '../../../src/blockchain/block.js'
import { bodyFault, draftOf } from '../../../src/blockchain/footprint.js'
import { lineOf, readLine } from '../../../src/blockchain/line.js'
import { OpDbusError } from '../../../src/errors.js'
import { errnoOf } from '../../../src/fs/errno.js'
import { startOf } from '../../../src/fs/process-identity.js'
import type { Break, Target, Verdict } from './target.js'

const POLL_MS = 5
const SEGMENT_BYTES = 8 << 20

interface End {
  readonly segment: string
  readonly bytes: number
  readonly size: number
  readonly hash: string
  readonly torn: boolean
}

export function openPlain(data: string, broken: Break, clock: () => number): Target {
  const timing = join(data, 'blockchain/timing')
  const lock = join(data, 'blockchain/lock')
  const ack = join(data, 'blockchain/head')
  let queue: Promise<unknown> = Promise.resolve()

  const segments = () => (fs.existsSync(timing) ? fs.readdirSync(timing).sort() : [])

  /** Every complete append, and where they end. */
  function look(): { blocks: Block[]; end: End } {
    const blocks: Block[] = []
    let end: End = { segment: '000000000000.jsonl', bytes: 0, size: 0, hash: NO_PREVIOUS, torn: false }
    for (const segment of segments()) {
      const text = fs.readFileSync(join(timing, segment), 'utf8')
      end = { ...end, segment, bytes: 0, torn: text !== '' }
      const whole: Block[] = []
      let at = 0
      for (let next = text.indexOf('\n', at); next >= 0; next = text.indexOf('\n', at)) {
        const { block, more } = parse(text.slice(at, next), blocks.length + whole.length)
        const previous = whole.at(-1)?.hash ?? blocks.at(-1)?.hash ?? NO_PREVIOUS
        if (block.number !== blocks.length + whole.length || block.header.previous !== previous) {
          throw new OpDbusError('CHAIN_DAMAGED', `block ${block.number} is not where it belongs`)
        }
        whole.push(block)
        at = next + 1
        if (more > 0) continue
        blocks.push(...whole.splice(0))
        end = {
          segment,
          bytes: Buffer.byteLength(text.slice(0, at)),
          size: blocks.length,
          hash: block.hash,
          torn: at < text.length,
        }
      }
      end = { ...end, torn: end.torn && end.bytes < Buffer.byteLength(text) }
    }
    return { blocks, end }
  }

  function parse(line: string, number: number) {
    try {
      return readLine(line)
    } catch (cause) {
      throw new OpDbusError('CHAIN_DAMAGED', `block ${number} cannot be read`, { cause })
    }
  }

  async function locked<T>(work: () => Promise<T>, onWait?: (who: string) => void): Promise<T> {
    if (broken === 'no-lock') return work()
    const since = Date.now()
    fs.mkdirSync(join(data, 'blockchain'), { recursive: true })
    const own = `${process.pid} ${startOf(process.pid)}`
    for (;;) {
      try {
        const draft = `${lock}.${process.pid}`
        fs.writeFileSync(draft, own)
        try {
          fs.linkSync(draft, lock)
          break
        } finally {
          fs.rmSync(draft, { force: true })
        }
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error
      }
      const [pid = '', started] = holder().split(' ')
      if (Date.now() - since > 20) onWait?.(`process ${pid}`)
      const robs = broken === 'robs-the-stopped' && Date.now() - since > 50
      // It comes whole: what is empty was left by a loss of power.
      if (fs.existsSync(lock) && holder() === '') takeFrom('')
      if (pid !== '' && (robs || startOf(Number(pid)) !== started)) takeFrom(`${pid} ${started}`)
      await sleep(POLL_MS)
    }
    try {
      return await work()
    } finally {
      if (holder() === own) fs.rmSync(lock, { force: true })
    }
  }

  function holder(): string {
    return textOf(lock)
  }

  /** Renamed away first: of two that see a dead holder, one alone moves that file, unless a third took the lock in between. */
  function takeFrom(dead: string): void {
    const grave = `${lock}.${process.pid}.dead`
    try {
      fs.renameSync(lock, grave)
      if (fs.readFileSync(grave, 'utf8') !== dead) fs.linkSync(grave, lock)
    } catch (error) {
      if (!['ENOENT', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error
    }
    fs.rmSync(grave, { force: true })
  }

  async function write(batch: readonly FootprintInput[], answer: (blocks: Block[]) => void): Promise<Block[]> {
    const { end } = look()
    const drafts = batch.map(footprint => draftOf(footprint, clock()))
    let previous = end.hash
    const lines = drafts.map((draft, index) => {
      const more = drafts.length - 1 - index
      const line = lineOf(draft, { number: end.size + index, previous, timestamp: clock() }, more)
      previous = line.block.hash
      return line
    })
    const blocks = lines.map(({ block }) => block)
    if (broken === 'answers-early') {
      answer(blocks)
      await sleep(1)
    }
    const full = end.bytes >= SEGMENT_BYTES
    const segment = full ? `${String(end.size).padStart(12, '0')}.jsonl` : end.segment
    const start = full ? 0 : end.bytes
    fs.mkdirSync(timing, { recursive: true })
    const path = join(timing, segment)
    const fresh = !fs.existsSync(path)
    const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600)
    try {
      if (end.torn && broken !== 'leaves-parts') fs.ftruncateSync(fd, start)
      try {
        const bytes = Buffer.from(lines.map(({ text }) => text).join(''))
        const at = broken === 'leaves-parts' ? fs.fstatSync(fd).size : start
        for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done, bytes.length - done, at + done)
        if (broken !== 'no-sync') fs.fdatasyncSync(fd)
        if (fresh) for (const dir of ['blockchain/timing', 'blockchain', '.']) syncFolder(join(data, dir))
      } catch (error) {
        if (broken !== 'leaves-parts') {
          fs.ftruncateSync(fd, start)
          fs.fdatasyncSync(fd)
        }
        if (broken === 'swallows-errors') return blocks
        throw error
      }
    } finally {
      fs.closeSync(fd)
    }
    // What readers may see. That it cannot be written harms nobody: they wait for the next, or for the end of this writer.
    try {
      fs.writeFileSync(`${ack}.new`, `${end.size + blocks.length}`)
      fs.renameSync(`${ack}.new`, ack)
    } catch {}
    return blocks
  }

  function seen(): Block[] {
    const { blocks } = look()
    const [pid = '', started] = holder().split(' ')
    const works = pid !== '' && startOf(Number(pid)) === started
    if (!works) return blocks
    const said = Number(textOf(ack))
    return blocks.slice(0, said)
  }

  return {
    append: (batch, onWait) =>
      new Promise((resolve, reject) => {
        queue = queue
          .then(() => locked(() => write(batch, resolve), onWait))
          .then(resolve, cause => {
            reject(cause instanceof OpDbusError ? cause : new OpDbusError('STORE', String(cause), { cause }))
          })
      }),
    size: () => seen().length,
    async *stream(from, signal) {
      for (let at = from; ; await sleep(POLL_MS, undefined, { signal })) {
        const blocks = seen()
        yield* blocks.slice(at)
        at = Math.max(at, blocks.length)
        if (signal === undefined) return
      }
    },
    async verify(): Promise<Verdict> {
      const faults: { kind: 'tail' | 'line' | 'body'; message: string }[] = []
      let size = 0
      try {
        const { blocks, end } = look()
        size = blocks.length
        if (end.torn) faults.push({ kind: 'tail', message: 'an append was cut off' })
        for (const { header, body } of blocks) {
          const fault = bodyFault(header, body!)
          if (fault !== undefined) faults.push({ kind: 'body', message: fault })
        }
      } catch (error) {
        faults.push({ kind: 'line', message: (error as Error).message })
      }
      return { ok: faults.length === 0, size, root: undefined, faults }
    },
    exportTiles: async () => undefined,
    close: async () => {
      await queue
    },
  }
}

function textOf(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    return ''
  }
}

function syncFolder(path: string): void {
  const fd = fs.openSync(path, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
