// A word that is another one after each prune and restore, whichever process did it: what was kept of the chain before may be wrong then.
// While files are exchanged it says that, too, so that nobody keeps what they read meanwhile, also where that process is killed.
import { randomBytes } from 'node:crypto'
import { HeldFile } from '../../fs/held-file.js'
import { replaceFile } from '../../fs/replace.js'

const MOST_BYTES = 64
/** Behind a word: files are being exchanged, or whoever began that was killed, which the next who takes the lock puts right. */
const UNDER_WAY = ' under way'
/** What stands on this looks once in 2 ms: 5 ms together. */
const LOOK_MS = 3

/** Whether files were being exchanged when that was the word: what is read then may be gone a moment later. */
export function isUnderWay(word: string): boolean {
  return word.endsWith(UNDER_WAY)
}

export class Rewrites {
  readonly #path: string
  readonly #monotonic: () => number
  readonly #changed: () => void
  #held: HeldFile | undefined
  #word: string | undefined
  #lookedMs = Number.NEGATIVE_INFINITY

  /** `changed`: told when a look finds another word than the look before. */
  constructor(path: string, monotonic: () => number, changed: () => void) {
    this.#path = path
    this.#monotonic = monotonic
    this.#changed = changed
  }

  /** Empty as long as nothing was ever rewritten. Late by 3 ms at most. */
  word(): string {
    const before = this.#word
    if (before !== undefined && this.#held?.stands()) return before
    // Most chains have none, and to look for a file that is not there costs more than to look at one that is open.
    const now = this.#monotonic()
    if (before !== undefined && this.#held === undefined && now - this.#lookedMs < LOOK_MS) return before
    this.#lookedMs = now
    this.#held?.release()
    this.#held = HeldFile.open(this.#path, MOST_BYTES, this.#monotonic)
    const word = this.#held === undefined ? '' : Buffer.from(this.#held.bytes).toString('latin1').trim()
    this.#word = word
    if (before !== undefined && before !== word) this.#changed()
    return word
  }

  /** As it is now. */
  again(): string {
    this.#lookedMs = Number.NEGATIVE_INFINITY
    return this.word()
  }

  /** Before files are exchanged. @throws Error of the file system */
  begin(): void {
    this.#put(UNDER_WAY)
  }

  /** After that. @throws Error of the file system */
  change(): void {
    this.#put('')
  }

  #put(what: string): void {
    const word = randomBytes(8).toString('hex')
    replaceFile(this.#path, Buffer.from(`${word}${what}\n`), `${this.#path}.${word}.tmp`, { sync: true })
    this.#lookedMs = Number.NEGATIVE_INFINITY
  }

  release(): void {
    this.#held?.release()
    this.#held = undefined
  }
}
