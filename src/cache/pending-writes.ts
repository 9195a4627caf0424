// What a tier has yet to write: sent in batches, one at a time, each holding whatever came while the one before was under way.
// Reads are answered from here, so that none has to wait for a write. Knows no medium; never rejects.
import type { Key } from '../ports.js'

export interface PendingWritesOptions {
  /** Bytes that may wait. Absent: all. */
  readonly capacityBytes?: number
  /** Bytes that are written at once, if there are more; one value always is. Absent: all that waits. */
  readonly batchBytes?: number
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
  /** Entries taken so far, and those of them that are written, have failed or were dropped: the first in come out first. */
  #taken = 0
  #settled = 0

  constructor(options: PendingWritesOptions) {
    this.#options = options
  }

  /** What was set and is not known to have arrived. */
  get(key: Key): Uint8Array | undefined {
    return this.#waiting.get(key) ?? this.#sent?.get(key)
  }

  /** Sends it soon: what is set in one turn is one batch. False when there is no room for it. */
  set(key: Key, bytes: Uint8Array): boolean {
    const old = this.#waiting.get(key)
    const before = old?.length ?? 0
    const waitingBytes = this.#waitingBytes - before + bytes.length
    const { capacityBytes = Number.POSITIVE_INFINITY } = this.#options
    if (waitingBytes + this.#sentBytes > capacityBytes) return false
    if (old === undefined) this.#taken++
    this.#waiting.set(key, bytes)
    this.#waitingBytes = waitingBytes
    if (this.#waiting.size === 1 && this.#sending === undefined) queueMicrotask(() => void this.flush())
    return true
  }

  /** Nothing waits, and nothing is under way that waited. */
  get idle(): boolean {
    return this.#waiting.size === 0 && this.#sent === undefined
  }

  /** Where `idle`, for a medium that has it at once: sends these as a batch of their own. Reads are not answered of it. */
  sendNow(items: [Key, Uint8Array][], bytes: number): void {
    this.#taken += items.length
    const before = this.#sending
    const writing = this.#options.write(items, bytes)
    void this.#follow(before === undefined ? writing : Promise.all([before, writing]), items.length)
  }

  /** Resolves when what was set so far has reached the medium, or has failed to; what is set meanwhile is not waited for. */
  async flush(): Promise<void> {
    const all = this.#taken
    while (this.#settled < all) await (this.#sending ?? this.#send())
  }

  /** Forgets what was not sent yet. */
  drop(): void {
    this.#settled += this.#waiting.size
    this.#waiting = new Map()
    this.#waitingBytes = 0
  }

  #send(): Promise<void> {
    const [batch, bytes] = this.#takeBatch()
    this.#sent = batch
    this.#sentBytes = bytes
    return this.#follow(this.#options.write([...batch], bytes), batch.size)
  }

  #follow(writing: Promise<unknown>, entries: number): Promise<void> {
    const done = () => {
      this.#settled += entries
      // Another batch was sent at once meanwhile, and goes on with the rest.
      if (this.#sending !== sending) return
      this.#sent = undefined
      this.#sentBytes = 0
      this.#sending = undefined
      if (this.#waiting.size > 0) void this.#send()
    }
    const sending = writing.then(done, done)
    this.#sending = sending
    return sending
  }

  /** What is sent next, the oldest first, and its bytes. */
  #takeBatch(): [Map<Key, Uint8Array>, number] {
    const { batchBytes } = this.#options
    if (batchBytes === undefined || this.#waitingBytes <= batchBytes) {
      const all: [Map<Key, Uint8Array>, number] = [this.#waiting, this.#waitingBytes]
      this.#waiting = new Map()
      this.#waitingBytes = 0
      return all
    }
    const batch = new Map<Key, Uint8Array>()
    let bytes = 0
    for (const [key, value] of this.#waiting) {
      if (batch.size > 0 && bytes + value.length > batchBytes) break
      batch.set(key, value)
      bytes += value.length
      this.#waiting.delete(key)
    }
    this.#waitingBytes -= bytes
    return [batch, bytes]
  }
}
