// Where patterns outlive the process: one small document each, and one for each that was revoked. Decides nothing, and
// never rejects a look-up: without a disk, or with a failing one, patterns are learnt anew.
import { messageOf } from '../../errors.js'
import type { Key, Store, Warn } from '../../ports.js'
import { decodeRecord, encodeRecord, type PatternRecord } from './record.js'

/** A store of small documents that answers and writes at once. */
export interface RecordStore extends Store {
  getSync(key: Key): Uint8Array | undefined
  setSync(key: Key, value: Uint8Array): void
  /** Whether something stands under this key, sound or not. */
  standsSync(key: Key): boolean
}

export interface PatternShelfOptions {
  readonly dims: number
  readonly warn: Warn
  /**
   * `revoked` stands apart, so that nothing that is written later can undo a revocation, and must never evict. Absent:
   * nothing outlives the process.
   */
  readonly disk?: { readonly records: RecordStore; readonly revoked: RecordStore }
}

/** Revocations are kept for good and must not grow for ever: with this many no pattern serves any more. */
export const MOST_REVOCATIONS = 10_000

export class PatternShelf {
  readonly #options: PatternShelfOptions
  /** What this process knows to be revoked, should the disk fail. */
  readonly #revoked = new Set<Key>()
  #onDisk = 0
  #told = false

  constructor(options: PatternShelfOptions) {
    this.#options = options
  }

  /** Learns how much is there. To be called once, before anything else. */
  async open(): Promise<this> {
    this.clearedElsewhere()
    const size = await this.#options.disk?.revoked.size().catch(() => undefined)
    this.#onDisk = size?.entries ?? 0
    return this
  }

  read(key: Key): PatternRecord | undefined {
    const bytes = this.#try('read', () => this.#options.disk?.records.getSync(key), undefined)
    return bytes && decodeRecord(bytes, this.#options.dims)
  }

  write(key: Key, record: PatternRecord): void {
    this.#try('write', () => this.#options.disk?.records.setSync(key, encodeRecord(record)), undefined)
  }

  async delete(key: Key): Promise<void> {
    await this.#options.disk?.records.deleteMany([key])
  }

  /** True also where the disk cannot be asked, or what it says is damaged: who does not know must not serve. */
  isRevoked(key: Key): boolean {
    if (this.#revoked.has(key) || this.#revoked.size + this.#onDisk >= MOST_REVOCATIONS) return true
    return this.#try('read', () => this.#options.disk?.revoked.standsSync(key) ?? false, true)
  }

  revoke(key: Key, { template, spread }: { readonly template: string; readonly spread: number }): void {
    this.#revoked.add(key)
    const document = JSON.stringify({ template: template.slice(0, 200).toWellFormed(), distance: spread })
    const bytes = new TextEncoder().encode(document)
    this.#try('write', () => this.#options.disk?.revoked.setSync(key, bytes), undefined)
    // Nor does the record that served stay: one damaged file must not bring it back.
    const nothing = { ids: [], places: [], clean: 0, embeddings: [] }
    this.write(key, { state: 'revoked', template, spread, ...nothing })
  }

  async clear(): Promise<void> {
    this.#forget()
    await this.#options.disk?.records.clear()
    await this.#options.disk?.revoked.clear()
    this.clearedElsewhere()
  }

  /** True once after another process cleared the folder. */
  clearedElsewhere(): boolean {
    const cleared = this.#try('read', () => this.#options.disk?.records.clearedElsewhere?.() ?? false, false)
    if (cleared) this.#forget()
    return cleared
  }

  async close(): Promise<void> {
    await this.#options.disk?.records.close()
    await this.#options.disk?.revoked.close()
  }

  #forget(): void {
    this.#revoked.clear()
    this.#onDisk = 0
  }

  #try<T>(what: 'read' | 'write', run: () => T, otherwise: T): T {
    try {
      return run()
    } catch (error) {
      if (!this.#told) {
        this.#told = true
        this.#options.warn(`cannot ${what} the patterns on disk, going on without: ${messageOf(error)}`, error)
      }
      return otherwise
    }
  }
}
