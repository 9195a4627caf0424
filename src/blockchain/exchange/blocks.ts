// Blocks of another copy of this chain, taken over as they are: checked one by one, compared with those that are here, the rest appended.
// Where they come from is not its business.
import { isOpDbusError, messageOf, OpDbusError, throwIfAborted } from '../../errors.js'
import { plural, visible } from '../../format.js'
import type { Block } from '../block.js'
import { bodyFault } from '../footprint.js'
import { lineText, readLine } from '../line.js'
import type { BlockStore } from '../ports.js'
import type { ImportCall } from '../reports.js'
import { Bodies } from '../verify/bodies.js'
import { type InputLine, inputLines } from './input-lines.js'

/** What is appended together. */
const MOST_BLOCKS = 1000
const MOST_CHARACTERS = 4 << 20

export interface Taken {
  readonly imported: number
  readonly present: number
  readonly pruned: number
  readonly unannounced?: number
}

/** Checks all of it, and appends nothing. @throws OpDbusError as {@link takeBlocks} */
export function checkBlocks(store: BlockStore, source: AsyncIterable<Uint8Array>, call: ImportCall): Promise<Taken> {
  return new Intake(store, call, false).all(source)
}

/**
 * Appends what is not here yet, in batches. Where the source is damaged, all before it is appended first.
 * @throws OpDbusError INVALID_INPUT with `details.line` and `details.imported`; CONFLICT where the blocks are of another chain, or there is a
 *   gap between them and this one; STORE, ABORTED
 */
export function takeBlocks(store: BlockStore, source: AsyncIterable<Uint8Array>, call: ImportCall): Promise<Taken> {
  return new Intake(store, call, true).all(source)
}

class Intake {
  readonly #store: BlockStore
  readonly #call: ImportCall
  readonly #appends: boolean
  /** The block on the line before. */
  #before: Block | undefined
  readonly #batch: Block[] = []
  #characters = 0
  #imported = 0
  #present = 0
  #pruned = 0
  readonly #bodies = new Bodies()

  constructor(store: BlockStore, call: ImportCall, appends: boolean) {
    this.#store = store
    this.#call = call
    this.#appends = appends
  }

  async all(source: AsyncIterable<Uint8Array>): Promise<Taken> {
    try {
      for await (const line of inputLines(source)) await this.#take(line)
    } catch (error) {
      if (isOpDbusError(error, 'STORE') || isOpDbusError(error, 'ABORTED')) throw error
      await this.#flush()
      throw this.#told(error)
    }
    await this.#flush()
    const unannounced = [...this.#bodies.unannounced()].length
    return {
      imported: this.#imported,
      present: this.#present,
      pruned: this.#pruned,
      ...(unannounced > 0 && { unannounced }),
    }
  }

  async #take(input: InputLine): Promise<void> {
    const { block, text } = blockOn(input)
    this.#follows(block, input.line)
    this.#before = block
    const size = this.#size
    if (block.number < size) {
      const here = this.#store.read(block.number)
      if (here?.hash !== block.hash) throw conflict(block.number, 'is another one here', input.line)
      this.#present++
    } else {
      if (block.number > size) {
        throw conflict(
          block.number,
          `does not continue this chain, which has ${plural(size, 'block', 'blocks')}`,
          input.line,
        )
      }
      this.#continues(block, input.line)
      this.#batch.push(block)
      this.#characters += text.length
    }
    const full = this.#batch.length >= MOST_BLOCKS || this.#characters >= MOST_CHARACTERS
    if (full) await this.#flush(1)
    if (full || input.line % MOST_BLOCKS === 0) this.#progress()
  }

  /** Blocks here, with those that were checked and will be. */
  get #size(): number {
    const checked = this.#appends ? this.#batch.length : this.#imported + this.#batch.length
    return this.#store.size() + checked
  }

  #follows(block: Block, line: number): void {
    const before = this.#before
    if (before === undefined) return
    if (block.number !== before.number + 1) {
      const why = `follows block ${before.number}: blocks between them are missing, as in an export with a filter`
      throw invalid(`has block ${block.number}, which ${why}`, line)
    }
    if (block.header.previous !== before.hash) {
      // More likely than not it is the one before that was changed: nothing else covers the time in its header.
      this.#batch.pop()
      throw invalid(`has block ${block.number}, which names another block before it than the line before has`, line)
    }
  }

  /** The first that is new names our last; each of the others names the one before it. */
  #continues(block: Block, line: number): void {
    if (block.number === 0 || this.#batch.length > 0) return
    if (this.#before !== undefined && this.#imported > 0) return
    const last = this.#store.read(block.number - 1)
    if (last !== undefined && last.hash !== block.header.previous) {
      throw conflict(block.number, 'names another block before it than is here', line)
    }
  }

  /** The last block waits until the next one has confirmed it: `kept` is 1 as long as there may be one. */
  async #flush(kept = 0): Promise<void> {
    const batch = this.#batch.splice(0, this.#batch.length - kept)
    if (batch.length === 0) return
    throwIfAborted(this.#call.signal)
    this.#characters = 0
    if (this.#appends) await this.#store.adopt(batch, { signal: this.#call.signal })
    this.#imported += batch.length
    for (const block of batch) {
      if (block.body === undefined) this.#pruned++
      this.#bodies.take(block)
    }
  }

  #progress(): void {
    throwIfAborted(this.#call.signal)
    this.#call.onProgress?.(this.#imported + this.#present, 0)
  }

  /** What is wrong with the source, and what became of what came before. */
  #told(error: unknown): unknown {
    const code = isOpDbusError(error, 'CONFLICT') ? 'CONFLICT' : 'INVALID_INPUT'
    const rest =
      !this.#appends || this.#imported === 0
        ? 'nothing was imported'
        : `the ${plural(this.#imported, 'block', 'blocks')} before that are imported`
    const details = isOpDbusError(error) ? error.details : {}
    return new OpDbusError(code, `${messageOf(error)}; ${rest}`, {
      cause: error,
      details: { ...details, imported: this.#appends ? this.#imported : 0 },
    })
  }
}

/** The block on a line, of which every byte is as it would be written. */
function blockOn({ line, text, fault }: InputLine): { block: Block; text: string } {
  if (text === undefined) throw invalid(fault!, line)
  if (text.trim() === '') throw invalid('is empty: each line is a block', line)
  try {
    const { block, more } = readLine(text)
    if (lineText(block, more) !== `${text}\n`) throw new Error('is not written as blocks are')
    const wrong = block.body && bodyFault(block.header, block.body)
    if (wrong !== undefined) throw new Error(`has block ${block.number}, which is damaged: ${wrong}`)
    return { block, text }
  } catch (error) {
    if (isFootprint(text))
      throw invalid('is a footprint, and no block yet: op-dbus blockchain add makes one of it', line)
    throw invalid(error instanceof RangeError ? 'is nested too deep' : messageOf(error), line)
  }
}

/** What somebody takes for a block who has not added it yet. */
function isFootprint(text: string): boolean {
  try {
    const value = JSON.parse(text)
    return Object.hasOwn(value, 'plugin_id') && !Object.hasOwn(value, 'header')
  } catch {
    return false
  }
}

function invalid(what: string, line: number): OpDbusError {
  return new OpDbusError('INVALID_INPUT', visible(`line ${line} ${what}`), { details: { line } })
}

function conflict(block: number, what: string, line: number): OpDbusError {
  return new OpDbusError('CONFLICT', `block ${block} (line ${line}) ${what}`, { details: { line, block } })
}
