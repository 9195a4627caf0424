// A BlockStore without a disk, for tests of what stands on the port. Several stores over one MemoryDisk are as many processes.
import { type Block, type Draft, NO_PREVIOUS } from '../../src/blockchain/block.js'
import { draftOf } from '../../src/blockchain/footprint.js'
import { lineOf, lineText, readLine } from '../../src/blockchain/line.js'
import type { BlockStore, ExclusiveChain, RawLine, RawSegment } from '../../src/blockchain/ports.js'
import { abortError, OpDbusError } from '../../src/errors.js'

/** What would lie on the disk. */
export class MemoryDisk {
  readonly blocks: Block[] = []
  rewrites = 0
  /** Told of each append and rewrite. */
  readonly changed = new Set<() => void>()
  /** The next append starts a segment of its own after so many blocks. */
  readonly perSegment: number
  /** What the next block's header has: Unix milliseconds. */
  now = 1_700_000_000_000

  constructor(perSegment = 1000) {
    this.perSegment = perSegment
  }

  /** A prune, a restore: whatever `change` does to the blocks, every process can notice. */
  rewrite(change: (blocks: Block[]) => void): void {
    change(this.blocks)
    this.rewrites++
    for (const tell of [...this.changed]) tell()
  }
}

export class MemoryStore implements BlockStore {
  readonly dir: string
  /** Numbers of the blocks that were asked for, in order: `read` one by one, `scan` as it gives them. */
  readonly asked: number[] = []
  /** How often the number of blocks, and of rewrites, was looked at. */
  looks = { size: 0, rewrites: 0 }
  /** A failure that the next read or scan meets. */
  fault: Error | undefined
  readonly #disk: MemoryDisk
  readonly #listeners = new Set<(blocks: readonly Block[]) => void>()
  #closed = false

  constructor(disk = new MemoryDisk(), dir = '/nowhere/blockchain') {
    this.#disk = disk
    this.dir = dir
  }

  get disk(): MemoryDisk {
    return this.#disk
  }

  size(): number {
    this.#enter()
    this.looks.size++
    return this.#disk.blocks.length
  }

  read(number: number): Block | undefined {
    this.#enter()
    this.asked.push(number)
    return this.#disk.blocks[number]
  }

  async *scan(from: number, to = Number.POSITIVE_INFINITY): AsyncIterable<readonly Block[]> {
    for (let at = from; ; at += 256) {
      this.#enter()
      const piece = this.#disk.blocks.slice(at, Math.min(at + 256, to))
      this.asked.push(...piece.map(({ number }) => number))
      if (piece.length > 0) yield piece
      if (piece.length < 256) return
      await Promise.resolve()
    }
  }

  async *lines(): AsyncIterable<readonly RawLine[]> {
    let offset = 0
    for (const [number, block] of this.#disk.blocks.entries()) {
      const segment = this.#segmentOf(number)
      if (segment === number) offset = 0
      const text = Buffer.from(lineText(block))
      yield [{ number, segment, offset, bytes: text.subarray(0, -1), length: text.length - 1 }]
      offset += text.length
    }
  }

  segments(): readonly RawSegment[] {
    const { blocks, perSegment } = this.#disk
    return Array.from({ length: Math.ceil(blocks.length / perSegment) }, (_, i) => {
      const first = i * perSegment
      const text = () =>
        blocks
          .slice(first, first + perSegment)
          .map(block => lineText(block))
          .join('')
      return {
        first,
        async *pieces() {
          yield Buffer.from(text())
        },
      }
    }).reverse()
  }

  async moreThan(size: number, signal?: AbortSignal): Promise<void> {
    const { changed } = this.#disk
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => {
        changed.delete(look)
        signal?.removeEventListener('abort', abort)
        settle()
      }
      const abort = () => end(() => reject(abortError(signal!)))
      const look = () => {
        if (this.#closed) end(() => reject(new OpDbusError('CLOSED', 'the chain is closed')))
        else if (this.#disk.blocks.length > size) end(resolve)
      }
      changed.add(look)
      signal?.addEventListener('abort', abort)
      if (signal?.aborted) abort()
      else look()
    })
  }

  async append(drafts: readonly Draft[]): Promise<readonly Block[]> {
    this.#enter()
    const { blocks, now } = this.#disk
    const added: Block[] = []
    for (const draft of drafts) {
      const number = blocks.length + added.length
      const previous = added.at(-1)?.hash ?? blocks.at(-1)?.hash ?? NO_PREVIOUS
      added.push(lineOf(draft, { number, previous, timestamp: now }).block)
    }
    await this.#add(added)
    return added
  }

  async adopt(blocks: readonly Block[]): Promise<void> {
    this.#enter()
    const last = this.#disk.blocks.at(-1)
    const { number, header } = blocks[0]!
    if (number !== this.#disk.blocks.length || header.previous !== (last?.hash ?? NO_PREVIOUS)) {
      throw new OpDbusError('CONFLICT', `block ${number} does not continue this chain`)
    }
    await this.#add(blocks)
  }

  async #add(added: readonly Block[]): Promise<void> {
    this.#disk.blocks.push(...added)
    await Promise.resolve()
    for (const tell of this.#listeners) tell(added)
    for (const tell of [...this.#disk.changed]) tell()
  }

  /** Blocks of no importance, as an append would add them. */
  fill(count: number, { plugin_id = 'net', operation = 'apply' } = {}): Promise<readonly Block[]> {
    const draft = draftOf({ plugin_id, operation, timestamp: 1_700_000_000 }, 0)
    return this.append(Array.from({ length: count }, () => draft))
  }

  async exclusively<T>(work: (chain: ExclusiveChain) => Promise<T>): Promise<T> {
    this.#enter()
    const disk = this.#disk
    return work({
      dir: this.dir,
      segments: () =>
        Array.from({ length: Math.ceil(disk.blocks.length / disk.perSegment) }, (_, i) => {
          const first = i * disk.perSegment
          return { first, path: `${this.dir}/timing/${String(first).padStart(12, '0')}.jsonl` }
        }),
      async rewrite(segment, lines) {
        const blocks = [...lines].map(line => readLine(line.trimEnd()).block)
        disk.rewrite(all => all.splice(segment, blocks.length, ...blocks))
      },
      replaced: () => {},
    })
  }

  onAppended(listener: (blocks: readonly Block[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  rewrites(): string {
    this.#enter()
    this.looks.rewrites++
    return String(this.#disk.rewrites)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const tell of [...this.#disk.changed]) tell()
  }

  #segmentOf(number: number): number {
    return number - (number % this.#disk.perSegment)
  }

  #enter(): void {
    if (this.#closed) throw new OpDbusError('CLOSED', 'the chain is closed')
    const { fault } = this
    this.fault = undefined
    if (fault) throw fault
  }
}
