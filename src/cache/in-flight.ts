// What is under way: one look-up for each id, however many wait for it, in groups that are computed together. Knows no tier.
import type { Flight, Loading, LookUp, Waiter } from './look-up.js'

export class InFlight<V> {
  /** What can be joined. */
  readonly #byId = new Map<string, LookUp<V>>()
  /** Those of stale look-ups too. */
  readonly #flights = new Set<Flight<V>>()

  /** How many ids can be joined. */
  get size(): number {
    return this.#byId.size
  }

  /** The look-up of `id` that can be joined. */
  get(id: string): LookUp<V> | undefined {
    return this.#byId.get(id)
  }

  /** From now on these are under way, and can be joined. */
  begin(lookUps: readonly LookUp<V>[]): Flight<V> {
    const flight: Flight<V> = { lookUps, open: lookUps.length }
    for (const lookUp of lookUps) {
      lookUp.flight = flight
      // Who listens to what a look-up tells may have asked for the same id meanwhile: that one is kept, this one only answered.
      if (this.#byId.has(lookUp.id)) lookUp.stale = true
      else this.#byId.set(lookUp.id, lookUp)
    }
    this.#flights.add(flight)
    return flight
  }

  /** A look-up is over, whether it was ever under way or not. False where it was over before. */
  end(lookUp: LookUp<V>): boolean {
    if (lookUp.over) return false
    lookUp.over = true
    lookUp.letGo?.()
    const { flight } = lookUp
    if (flight === undefined) return true
    if (this.#byId.get(lookUp.id) === lookUp) this.#byId.delete(lookUp.id)
    if (--flight.open === 0) this.#flights.delete(flight)
    return true
  }

  /** Tells everyone who waits of a failure, unless it was over before. */
  fail(lookUp: LookUp<V>, error: unknown): void {
    if (this.end(lookUp)) lookUp.fail(error)
  }

  /** Takes `waiter` out of these. What nobody waits for any more is over, and who asks for it from now on begins anew. */
  leave(lookUps: Iterable<LookUp<V>>, waiter: Waiter<V>, reason: unknown): void {
    const left: LookUp<V>[] = []
    for (const lookUp of lookUps) if (!lookUp.over && lookUp.leave(waiter)) left.push(lookUp)
    this.#drop(left, reason)
  }

  /** Whoever asks for `id` from now on begins anew, and what is under way is stale. */
  detach(id: string): void {
    const lookUp = this.#byId.get(id)
    if (lookUp === undefined) return
    lookUp.stale = true
    this.#byId.delete(id)
  }

  /** What is under way is stale, and can be joined none the less. */
  spoil(id: string): void {
    const lookUp = this.#byId.get(id)
    if (lookUp !== undefined) lookUp.stale = true
  }

  detachAll(): void {
    for (const lookUp of this.#byId.values()) lookUp.stale = true
    this.#byId.clear()
  }

  /** Ends everything: every waiter gets `error`, every computation is dropped, and nothing is stored. */
  abortAll(error: unknown): void {
    this.detachAll()
    for (const flight of [...this.#flights]) {
      this.#drop(
        flight.lookUps.filter(({ over }) => !over),
        error,
      )
    }
  }

  /** Nobody waits for these any more. */
  #drop(lookUps: readonly LookUp<V>[], reason: unknown): void {
    const dropped = new Map<Loading, number[]>()
    for (const lookUp of lookUps) {
      this.fail(lookUp, reason)
      const { loading, row } = lookUp
      if (loading === undefined) continue
      const rows = dropped.get(loading)
      if (rows === undefined) dropped.set(loading, [row])
      else rows.push(row)
    }
    for (const [loading, rows] of dropped) loading.drop(rows, reason)
  }
}
