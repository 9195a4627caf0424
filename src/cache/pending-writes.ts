// What a tier has yet to write: sent in batches, one at a time, each holding whatever came while the one before was under way.
// Reads are answered from here, so that none has to wait for a write. Knows no medium; never rejects.
import type { Key } from '../ports.js'

export interface PendingWritesOptions {
  /** Bytes that may wait; Infinity for all. */
  readonly capacityBytes: number
  /** Writes one batch, and settles when the medium has it or has failed to. Must not reject. */
  write(items: [Key, Uint8Array][], bytes: number): Promise<void>
}

export class PendingWrites {
  readonly #options: PendingWritesOptions
  #waiting = new Map<Key, Uint8Array>()
  #waitingBytes = 0
  #sent: ReadonlyMap<Key, Uint8Array> | undefined
  #sentBytes = 0
  #sending: Promise<void> | undefined

  constructor(options: PendingWritesOptions) {
    this.#options = options
  }

  /** What was set and is not known to have arrived. */
  get(key: Key): Uint8Array | undefined {
    return this.#waiting.get(key) ?? this.#sent?.get(key)
  }

  /** Sends it soon: what is set in one turn is one batch. False when there is no room for it. */
  set(key: Key, bytes: Uint8Array): boolean {
    const before = this.#waiting.get(key)?.length ?? 0
    const waitingBytes = this.#waitingBytes - before + bytes.length
    if (waitingBytes + this.#sentBytes > this.#options.capacityBytes) return false
    this.#waiting.set(key, bytes)
    this.#waitingBytes = waitingBytes
    if (this.#waiting.size === 1 && this.#sending === undefined) queueMicrotask(() => void this.flush())
    return true
  }

  /** Resolves when what was set so far has reached the medium, or has failed to. */
  flush(): Promise<void> {
    if (this.#sending !== undefined) {
      return this.#waiting.size === 0 ? this.#sending : this.#sending.then(() => this.flush())
    }
    return this.#waiting.size === 0 ? Promise.resolve() : this.#send()
  }

  /** Forgets what was not sent yet. */
  drop(): void {
    this.#waiting = new Map()
    this.#waitingBytes = 0
  }

  #send(): Promise<void> {
    const [batch, bytes] = [this.#waiting, this.#waitingBytes]
    this.drop()
    this.#sent = batch
    this.#sentBytes = bytes
    this.#sending = this.#options.write([...batch], bytes).then(() => {
      this.#sent = undefined
      this.#sentBytes = 0
      this.#sending = undefined
      if (this.#waiting.size > 0) void this.#send()
    })
    return this.#sending
  }
}
