// Changes that every machine hears of: a random token for each thing that changes, and a connection of its own on which the server
// says whenever somebody puts another one. Knows neither vectors nor answers of plugins.
import type { ChangeNews } from '../../ports.js'
import {
  type Clear,
  type ClearToken,
  clearText,
  MOST_TIMES,
  markBytes,
  NO_CLEAR,
  parseClear,
  parseToken,
  tokenText,
} from './clears.js'
import type { Client } from './client.js'
import { every, within } from './deadline.js'
import { decoded, GENERATIONS } from './names.js'
import { inOneLine, NodeLink, type NodeLinkOptions } from './node-link.js'
import { putToken } from './put-token.js'
import { lookAt } from './topology.js'

export interface GenerationsOptions extends Pick<NodeLinkOptions, 'address' | 'ca' | 'random' | 'promptMs'> {
  /** 16 hex digits, different each time, on any machine. */
  readonly newToken: () => string
  /** The clear that {@link cleared} told last, where somebody kept it beyond a process. */
  readonly lastClear: () => string | undefined
  /** The last clear is this one: `first` where none was known before, so that nothing here can be from before it. */
  readonly cleared: (clear: string, where: 'first' | 'here' | 'elsewhere') => void
  /** {@link Generations.mark} is known, or is not any more. */
  readonly changed: () => void
  /** The server that is asked has them no more. */
  readonly moved: () => void
  /** The server refused to take a token. */
  readonly refused: (error: Error) => void
  readonly warn: (message: string, about: string) => void
}

interface Place {
  readonly host: string
  readonly port: number
}

/** How long a token that is put, or looked at, is waited for, ms. */
const PATIENCE_MS = 1000
/**
 * How often all is looked at, ms: whether they are still where we listen, since who has them no more says nothing; and where nothing is
 * pushed that is how we hear.
 */
const LOOK_MS = 1000
/** Looks until two in a row say the same. */
const MOST_LOOKS = 5
const CLEARS = `${GENERATIONS}cleared`

/*
   The server pushes the names of our keys that others change (tracking in broadcast mode, our own changes left out), so that nothing
   has to be read again to stay told, and a name that nobody here has heard of before is told as well.

   What is pushed while the connection is away is lost. Each scope has a key beside that every change in it changes too: on every new
   connection those are read, and where one is another than before, anything may have changed.

   A clear puts another token (clears.ts), and values that bear the mark of an older one are nobody's any more, whenever they arrive. A
   token may go: a server is restarted, or lets it go. Then whoever finds none puts one with a new mark for the last clear that he knows
   of, so that values are lost, copies of them are not, and who was away meanwhile is still told of the clear. A scope's token that is
   not there says nothing.
*/
export class Generations {
  readonly #options: GenerationsOptions
  #link: NodeLink | undefined
  readonly #stopLooking: () => void
  readonly #scopes = new Map<string, Scope>()
  /** By key of a scope: the token that was there when somebody looked last. */
  readonly #known = new Map<string, string>()
  /** What is yet to be put, by key. */
  readonly #untold = new Map<string, string>()
  /** Resolves when it is known where they are. */
  readonly #begun: Promise<void>
  #begin = () => {}
  #client: Client | undefined
  #isTelling = false
  #telling: Promise<void> = Promise.resolve()
  /** Nothing is pushed to us. */
  #deaf = false
  #clear: Clear | undefined
  /** As it stands in the server. */
  #token: string | undefined
  /** Undefined where the server may have another one by now. */
  #mark: Buffer | undefined
  #problem: string | undefined

  constructor(options: GenerationsOptions) {
    this.#options = options
    this.#begun = new Promise(resolve => {
      this.#begin = resolve
    })
    this.#stopLooking = every(LOOK_MS, () => {
      void this.settle().catch(() => undefined)
      this.#tellSoon()
    })
  }

  /** Listens there from now on. Resolves when the first look was made, or could not be. */
  async connect(place: Place): Promise<void> {
    if (!this.#link?.isTo(place.host, place.port)) this.#listenAt(place)
    this.#begin()
    for (let link: NodeLink | undefined; link !== this.#link; ) {
      link = this.#link
      await link?.opened
    }
  }

  /**
   * What the values that stand begin with. Undefined while that is not known: then no value may be believed, since somebody may have
   * cleared.
   */
  get mark(): Buffer | undefined {
    return this.#link?.state === 'serving' ? this.#mark : undefined
  }

  /** Settles when what was pushed last has been looked at, and the mark is known again, or could not be found out. */
  looking: Promise<void> | undefined

  /** Whether that is being found out for the first time on this server, or why it is not known. */
  get trouble(): { readonly connecting: boolean; readonly problem: string } | undefined {
    if (this.mark !== undefined) return undefined
    const problem = this.#link?.problem ?? this.#problem ?? 'it has just changed'
    return {
      connecting: this.#link?.state === 'connecting',
      problem: `what was cleared there is not known: ${problem}`,
    }
  }

  /** Everything is cleared: values that do not begin with `mark`, 16 hex digits, are nobody's any more. Rejects where it cannot be told. */
  async clear(mark: string): Promise<void> {
    const id = this.#options.newToken()
    const token = await this.#call(async client => {
      // More often than anybody has heard of, so that nobody takes it for an older one.
      const [text = ''] = await this.#read(client, [CLEARS])
      const times = Math.min(MOST_TIMES, 1 + Math.max(this.#heard?.times ?? 0, parseToken(text)?.times ?? 0))
      await client.sendCommand(['SET', CLEARS, tokenText({ times, id, mark })])
      return { times, id, mark }
    })
    this.#take(token, 'here')
  }

  news(scope: string): ChangeNews {
    const prefix = `${GENERATIONS}q:${encodeURIComponent(scope)}:`
    return {
      tell: name => {
        const token = this.#options.newToken()
        this.#untold.set(prefix + encodeURIComponent(name.toWellFormed()), token)
        this.#untold.set(prefix, token)
        this.#tellSoon()
      },
      onTold: listener => {
        const listeners = this.#scopes.get(prefix) ?? []
        this.#scopes.set(prefix, [...listeners, listener])
        // From before this nothing was heard.
        if (this.#client) void this.#look(this.#client, [prefix]).catch(() => undefined)
      },
      flush: () => this.#telling,
    }
  }

  /** Looks again at everything that may have changed; what was pushed before is told when this resolves. */
  async settle(): Promise<void> {
    const client = this.#client
    if (client === undefined) return
    await this.#lookAtClears(client)
    await this.#look(client, [...this.#scopes.keys()])
  }

  close(): void {
    this.#stopLooking()
    this.#link?.close()
  }

  /** The last clear that was heard of, by this process or by one before it. */
  get #heard(): Clear | undefined {
    this.#clear ??= parseClear(this.#options.lastClear() ?? '')
    return this.#clear
  }

  #listenAt({ host, port }: Place): void {
    this.#link?.close()
    this.#client = undefined
    const { address, ca, random, promptMs } = this.#options
    const link: NodeLink = new NodeLink({
      ...{ address, ca, random, promptMs, host, port, hearsPushes: !this.#deaf },
      prepare: client => this.#prepare(client),
      changed: () => {
        if (this.#link !== link) return
        if (link.state === 'left-alone' && !this.#deaf && REFUSES_TO_PUSH.test(link.problem ?? '')) {
          this.#isDeaf(link.problem!)
          return this.#listenAt({ host, port })
        }
        if (link.state === 'serving') this.#tellSoon()
        this.#options.changed()
      },
    })
    this.#link = link
  }

  async #prepare(client: Client): Promise<void> {
    client.on('invalidate', key => {
      if (this.#client === client) this.#pushed(client, key === null ? undefined : String(key))
    })
    this.#client = client
    this.#mark = undefined
    // What is put on a server of another kind nobody else looks for.
    await lookAt(client, this.#options.address.cluster)
    if (!this.#deaf) {
      // The package has begun to track what is read; what is named in advance needs no reading.
      await client.sendCommand(['CLIENT', 'TRACKING', 'OFF'])
      await client.sendCommand(['CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', GENERATIONS, 'NOLOOP'])
    }
    await within(PATIENCE_MS, this.settle())
  }

  #isDeaf(why: string): void {
    this.#deaf = true
    const sentence = `the shared cache does not push changes to this user (CLIENT TRACKING), so it is asked for them once a second`
    this.#options.warn(`${sentence}: ${why}`, 'tracking')
  }

  /** Undefined: all keys of the server are gone. */
  #pushed(client: Client, key: string | undefined): void {
    if (key === CLEARS || key === undefined) {
      // Until that is known nothing is believed.
      this.#mark = undefined
      this.looking = this.#lookAtClears(client).catch(() => undefined)
    } else if (this.#scopes.has(key)) {
      // Read, so that the next connection knows whether it missed anything.
      void this.#look(client, [key], true).catch(() => undefined)
    } else {
      for (const [prefix, listeners] of this.#scopes) {
        if (!key.startsWith(prefix)) continue
        const name = decoded(key.slice(prefix.length))
        for (const listener of listeners) listener(name)
      }
    }
  }

  async #lookAtClears(client: Client): Promise<void> {
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const [text] = await this.#read(client, [CLEARS])
      if (text !== undefined && text === this.#token && this.#mark !== undefined) return
      // Read once more: for a byte that went wrong on the way nobody's disk is emptied.
      if (text !== undefined && text !== (await this.#read(client, [CLEARS]))[0]) continue
      const token = text === undefined ? undefined : parseToken(text)
      const heard = this.#heard ?? NO_CLEAR
      if (token === undefined || token.times < heard.times) {
        const put = await this.#putAnew(client, heard, text === undefined)
        if (put === undefined) continue
        return this.#take(put, 'elsewhere')
      }
      return this.#take(token, 'elsewhere')
    }
    // Until the next look, and told: by then nobody has known for a while.
    this.#problem = 'it is another each time it is read'
    this.#options.changed()
  }

  /** The server knows of no clear, or of an older one than we do. Undefined where somebody else was faster. */
  async #putAnew(client: Client, clear: Clear, ifNone: boolean): Promise<ClearToken | undefined> {
    const token = { ...clear, mark: this.#options.newToken() }
    try {
      return (await putToken(client, CLEARS, tokenText(token), ifNone)) ? token : undefined
    } catch (error) {
      this.#problem = inOneLine(error)
      if (client.isReady && error instanceof Error) this.#options.refused(error)
      return this.#failed(error)
    }
  }

  #take(token: ClearToken, where: 'here' | 'elsewhere'): void {
    const before = this.#heard
    const { times, id } = token
    this.#clear = { times, id }
    this.#token = tokenText(token)
    this.#mark = markBytes(token.mark)
    this.#problem = undefined
    if (before?.id !== id)
      this.#options.cleared(clearText(token), before === undefined && where === 'elsewhere' ? 'first' : where)
    this.#options.changed()
  }

  /** Reads tokens of scopes; where one is another than it was, and nobody was told why, those who listen are. */
  async #look(client: Client, keys: readonly string[], told = false): Promise<void> {
    if (keys.length === 0) return
    const found = await this.#read(client, keys)
    for (const [i, key] of keys.entries()) {
      const token = found[i]
      if (token === undefined || token === this.#known.get(key)) continue
      this.#known.set(key, token)
      if (!told) for (const listener of this.#scopes.get(key) ?? []) listener(undefined)
    }
  }

  async #read(client: Client, keys: readonly string[]): Promise<(string | undefined)[]> {
    const found = await client.sendCommand(['MGET', ...keys]).catch((error: unknown) => this.#failed(error))
    if (Array.isArray(found) && found.length === keys.length)
      return found.map(one => (one === null ? undefined : String(one)))
    this.#link?.outOfStep(client)
    throw new Error('it answered something else than it was asked')
  }

  async #call<T>(work: (client: Client) => Promise<T>): Promise<T> {
    await within(PATIENCE_MS, this.#begun)
    return this.#link!.call(PATIENCE_MS, work).catch((error: unknown) => this.#failed(error))
  }

  #failed(error: unknown): never {
    if (error instanceof Error && error.message.startsWith('MOVED')) this.#options.moved()
    throw error
  }

  #tellSoon(): void {
    // What comes while it is being told goes along.
    if (this.#isTelling || this.#untold.size === 0) return
    this.#isTelling = true
    this.#telling = this.#tell().finally(() => {
      this.#isTelling = false
    })
  }

  /** Does not reject: what could not be told is told with the next look. */
  async #tell(): Promise<void> {
    while (this.#untold.size > 0) {
      const told = [...this.#untold]
      try {
        await this.#call(client => Promise.all(told.map(([key, token]) => client.sendCommand(['SET', key, token]))))
      } catch (error) {
        const sentence =
          'a change of the system could not be told to other machines, and is as soon as that can be done'
        return this.#options.warn(`${sentence}: ${inOneLine(error)}`, 'untold')
      }
      for (const [key, token] of told) {
        if (this.#scopes.has(key)) this.#known.set(key, token)
        if (this.#untold.get(key) === token) this.#untold.delete(key)
      }
    }
  }
}

type Scope = readonly ((name: string | undefined) => void)[]

/** What a server says that has no tracking, or does not allow it, when a connection asks for it. */
const REFUSES_TO_PUSH = /tracking|NOPROTO|unknown command.*hello|'hello'/i
