// `op-dbus blockchain add`: footprints become blocks, all at once or each as it comes. What is printed is on the disk.
import { setMaxListeners } from 'node:events'
import type { Block, Chain, FootprintInput, WriteCall } from '../../../blockchain.js'
import { isOpDbusError, OpDbusError } from '../../../errors.js'
import { oneLine, plural } from '../../../format.js'
import type { CommandCall } from '../../command.js'
import { openBytes, readWhole } from '../../input.js'
import { byteLinesOf, isBlank } from '../../lines.js'
import type { Terminal } from '../../terminal.js'
import { jsonText, told, wantsJson } from '../telling.js'
import { type ChainValues, oneOf, tellWait, withChain, writing } from './chain.js'
import { footprintInLine, footprintsIn, MAX_FILE, withPlace } from './footprints.js'

type Values = ChainValues & { readonly each?: boolean }

/** Blocks that may wait for the disk before more is read. */
const MOST_WAITING = 1024

export async function addCommand({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  const path = oneOf(args, 'file, or - for standard input', 'add')
  const json = wantsJson(values, terminal)
  const file = path === '-' ? 'standard input' : path
  if (values.each) return withChain(values, terminal, chain => new EachLine(chain, file, json, terminal).add(path))
  const bytes = await readWhole(path, MAX_FILE, terminal.signal)
  return withChain(values, terminal, async chain => {
    const blocks = await told(file, terminal, async () => {
      const footprints = footprintsIn(bytes, file)
      try {
        const inputs = footprints.map(({ value }) => value as FootprintInput)
        return await writing(terminal, call => chain.addBatch(inputs, call))
      } catch (error) {
        throw withPlace(error, file, footprints)
      }
    })
    // They are there, whatever ends the command now.
    await terminal.last(blocks.map(block => lineOf(block, json)).join(''))
    return 0
  })
}

function lineOf({ number, hash }: Block, json: boolean): string {
  return json ? jsonText({ number, hash }, 'line') : `block ${number}  ${hash}\n`
}

/** Adds a line at a time, without waiting for the disk at each; tells them in their order. A line that is no footprint is told and left out. */
class EachLine {
  readonly #chain: Chain
  readonly #file: string
  readonly #json: boolean
  readonly #terminal: Terminal
  #told: Promise<void> = Promise.resolve()
  #waiting = 0
  #wrong = 0
  #toldWait = false
  #failure: unknown

  constructor(chain: Chain, file: string, json: boolean, terminal: Terminal) {
    this.#chain = chain
    this.#file = file
    this.#json = json
    this.#terminal = terminal
    // Each line that waits for the disk listens.
    setMaxListeners(0, terminal.signal)
  }

  async add(path: string): Promise<number> {
    const input = await openBytes(path, this.#terminal.signal)
    try {
      let number = 0
      for await (const line of byteLinesOf(input.bytes)) {
        number++
        if (this.#failure !== undefined) break
        if (isBlank(line)) continue
        this.#begin(line, number, () => input.close())
        if (this.#waiting >= MOST_WAITING) await this.#told
      }
    } catch (error) {
      // Reading ends where nothing can be written; that is what has to be told.
      this.#failure ??= error
    } finally {
      input.close()
    }
    await this.#told
    if (this.#failure !== undefined) throw this.#failure
    if (this.#wrong === 0) return 0
    throw new OpDbusError(
      'INVALID_INPUT',
      `${plural(this.#wrong, 'line is', 'lines are')} no footprint: see above; the others were added`,
    )
  }

  #begin(line: Uint8Array, number: number, stop: () => void): void {
    const adding = this.#added(line, number)
    this.#waiting++
    this.#told = this.#told.then(async () => {
      try {
        const block = await adding
        if (block !== undefined) await this.#terminal.last(lineOf(block, this.#json))
      } catch (error) {
        this.#failure ??= error
        stop()
      } finally {
        this.#waiting--
      }
    })
    // Seen above, when its turn comes.
    adding.catch(() => {})
  }

  #tellWait(who: string): void {
    if (!this.#toldWait) tellWait(who, this.#terminal)
    this.#toldWait = true
  }

  /** Undefined for a line that is no footprint. */
  async #added(line: Uint8Array, number: number): Promise<Block | undefined> {
    try {
      const footprint = footprintInLine(line, this.#file, number)
      try {
        const add = (call: WriteCall) => this.#chain.addFootprint(footprint.value as FootprintInput, call)
        return await writing(this.#terminal, add, who => this.#tellWait(who))
      } catch (error) {
        throw withPlace(error, this.#file, [footprint])
      }
    } catch (error) {
      if (!isOpDbusError(error, 'INVALID_INPUT')) throw error
      this.#wrong++
      this.#terminal.say(oneLine(error.message, 400))
      return undefined
    }
  }
}
