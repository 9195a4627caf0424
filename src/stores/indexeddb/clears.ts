// Whether somebody else cleared the database: compares its token, hears other tabs, tells listeners. Opens no database.

export class Clears {
  readonly #database: string
  readonly #look: () => void
  readonly #listeners: (() => void)[] = []
  /** Of the medium, as far as listeners know. */
  #token: string | undefined
  #channel: BroadcastChannel | undefined
  #attending = false

  /** `look` reads the token, and hands it to `seen`: called when news from other tabs may have been missed. */
  constructor(database: string, look: () => void) {
    this.#database = database
    this.#look = look
  }

  /** Calls `listener` at each clear that was not our own. */
  onElsewhere(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** The token as a read found it, or as another tab says that it is now. */
  seen(token: string): void {
    const before = this.#token
    this.#token = token
    if (before !== undefined && before !== token) this.#tell()
  }

  /** We began a medium ourselves; undefined: ended one, and the next has not begun. */
  began(token: string | undefined): void {
    this.#token = token
  }

  /** Lets other tabs know that we cleared it. */
  broadcast(): void {
    if (this.#token !== undefined) this.#channel?.postMessage(this.#token)
  }

  /** The database is no more. That the next one has a token of its own is no further news. */
  gone(): void {
    this.#token = undefined
    this.#tell()
  }

  /** Hears other tabs from now on. */
  attend(): void {
    if (this.#attending) return
    this.#attending = true
    try {
      this.#channel = new BroadcastChannel(`op-dbus ${this.#database}`)
      this.#channel.onmessage = ({ data }) => this.seen(String(data))
    } catch {
      // Missing or forbidden. The next read or write sees what others did.
    }
    globalThis.addEventListener?.('pageshow', this.#shown)
  }

  close(): void {
    this.#attending = true
    this.#channel?.close()
    globalThis.removeEventListener?.('pageshow', this.#shown)
  }

  /** A frozen tab gets its messages when it thaws; one in the back/forward cache never does. */
  readonly #shown = (event: Event): void => {
    if ((event as PageTransitionEvent).persisted) this.#look()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
