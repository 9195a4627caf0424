// What every way of writing can do: the port behind `-o`. Types only.

export interface Output {
  append(data: string | Uint8Array): Promise<void>
  /** Writes over the first bytes. Only of an output that was opened with `rewritten`. */
  rewrite(start: Uint8Array): Promise<void>
  /** All is written. */
  finish(): Promise<void>
  /** Something failed on the way: a file keeps what it held, and nothing else is left behind. Never rejects. */
  abandon(): Promise<void>
}
