// A word that is another one after each prune and restore, whichever process did it: what was kept of the chain before may be wrong then.
import { randomBytes } from 'node:crypto'
import { HeldFile } from '../../fs/held-file.js'
import { replaceFile } from '../../fs/replace.js'

const MOST_BYTES = 64
/** What stands on this looks once in 2 ms: 5 ms together. */
const LOOK_MS = 3

export class Rewrites {
  readonly #path: string
  readonly #monotonic: () => number
  readonly #changed: () => void
  #held: HeldFile | undefined
  #word = ''
  #looked = false
  #lookedMs = Number.NEGATIVE_INFINITY

  /** `changed` is called where the word is another one than at the last look. */
  constructor(path: string, monotonic: () => number, changed: () => void = () => {}) {
    this.#path = path
    this.#changed = changed
    this.#monotonic = monotonic
  }

  /** Empty as long as nothing was ever rewritten. Late by 3 ms at most. */
  word(): string {
    if (this.#held?.stands()) return this.#word
    // Most chains have none, and to look for a file that is not there costs more than to look at one that is open.
    const now = this.#monotonic()
    if (this.#held === undefined && now - this.#lookedMs < LOOK_MS) return this.#word
    const [looked, before] = [this.#looked, this.#word]
    this.#looked = true
    this.#lookedMs = now
    this.#held?.release()
    this.#held = HeldFile.open(this.#path, MOST_BYTES, this.#monotonic)
    this.#word = this.#held === undefined ? '' : Buffer.from(this.#held.bytes).toString('latin1').trim()
    if (looked && this.#word !== before) this.#changed()
    return this.#word
  }

  /** As it is now. */
  again(): string {
    this.#lookedMs = Number.NEGATIVE_INFINITY
    return this.word()
  }

  /** @throws Error of the file system */
  change(): void {
    const word = randomBytes(8).toString('hex')
    replaceFile(this.#path, Buffer.from(`${word}\n`), `${this.#path}.${word}.tmp`, { sync: true })
    this.#lookedMs = Number.NEGATIVE_INFINITY
  }

  release(): void {
    this.#held?.release()
    this.#held = undefined
  }
}
