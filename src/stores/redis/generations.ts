// Changes that every machine hears of: a random token for each thing that changes, and a connection of its own on which the server
// says whenever somebody puts another one. Knows neither vectors nor answers of plugins.
import type { ChangeNews } from '../../ports.js'
import type { Client } from './client.js'
import { every, within } from './deadline.js'
import { GENERATIONS } from './names.js'
import { inOneLine, NodeLink, type NodeLinkOptions } from './node-link.js'

export interface GenerationsOptions extends Pick<NodeLinkOptions, 'address' | 'ca' | 'random' | 'promptMs'> {
  /** Different each time, on any machine. */
  readonly newToken: () => string
  /** Somebody else cleared the store. */
  readonly cleared: () => void
  /** The server that is asked has them no more. */
  readonly moved: () => void
  readonly warn: (message: string, about: string) => void
}

/** How long a token that is put, or looked at, is waited for, ms. */
const PATIENCE_MS = 1000
/** How often it is looked whether they are still where we listen: who has them no more says nothing, ms. */
const LOOK_MS = 2000
const CLEARS = `${GENERATIONS}cleared`

/*
   The server pushes the names of our keys that others change (tracking in broadcast mode, our own changes left out), so that nothing
   has to be read again to stay told, and a name that nobody here has heard of before is told as well.

   What is pushed while the connection is away is lost. Each scope has a key beside that every change in it changes too: on every new
   connection those are read, and where one is another than before, anything may have changed.

   A key that is not there says nothing: a server that was restarted, or that let it go, has cleared no vectors of anybody.
*/
export class Generations {
  readonly #options: GenerationsOptions
  #link: NodeLink | undefined
  readonly #stopLooking: () => void
  readonly #scopes = new Map<string, Scope>()
  /** By key: the token that was there when somebody looked last. */
  readonly #known = new Map<string, string>()
  /** What is yet to be put, by key. */
  readonly #untold = new Map<string, string>()
  /** Resolves when it is known where they are. */
  readonly #begun: Promise<void>
  #begin = () => {}
  #client: Client | undefined
  #telling: Promise<void> = Promise.resolve()
  #deaf = false

  constructor(options: GenerationsOptions) {
    this.#options = options
    this.#begun = new Promise(resolve => {
      this.#begin = resolve
    })
    this.#stopLooking = every(LOOK_MS, () => void this.settle().catch(() => undefined))
  }

  /** Listens there from now on. Resolves when the first look was made, or could not be. */
  async connect({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
    if (this.#link?.isTo(host, port)) return this.#link.opened
    this.#link?.close()
    this.#client = undefined
    const { address, ca, random, promptMs } = this.#options
    const prepare = (client: Client) => this.#prepare(client)
    this.#link = new NodeLink({ address, ca, random, promptMs, host, port, hearsPushes: true, prepare })
    this.#begin()
    return this.#link.opened
  }

  /** All vectors were removed: everybody hears of it. Rejects where that cannot be told. */
  async clear(): Promise<void> {
    const token = this.#options.newToken()
    await this.#put([[CLEARS, token]])
    this.#known.set(CLEARS, token)
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
        if (this.#client && !this.#deaf) void this.#look(this.#client, [prefix]).catch(() => undefined)
      },
      flush: () => this.#telling,
    }
  }

  /** Looks again at everything that may have changed; what was pushed before is told when this resolves. For tests. */
  async settle(): Promise<void> {
    const client = this.#client
    if (client !== undefined) await this.#look(client, this.#overall)
  }

  close(): void {
    this.#stopLooking()
    this.#link?.close()
  }

  get #overall(): string[] {
    return [CLEARS, ...this.#scopes.keys()]
  }

  async #prepare(client: Client): Promise<void> {
    client.on('invalidate', key => {
      if (this.#client === client && key !== null) this.#pushed(client, String(key))
    })
    try {
      // The package has begun to track what is read; what is named in advance needs no reading.
      await client.sendCommand(['CLIENT', 'TRACKING', 'OFF'])
      await client.sendCommand(['CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', GENERATIONS, 'NOLOOP'])
      this.#deaf = false
    } catch (error) {
      if (!client.isReady) throw error
      this.#deaf = true
      const sentence = `the shared cache at ${this.#link?.at} does not tell of changes, so what others clear or apply is not noticed here`
      this.#options.warn(`${sentence}: ${inOneLine(error)}`, 'tracking')
    }
    await within(PATIENCE_MS, this.#look(client, this.#overall))
    this.#client = client
    this.#tellSoon()
  }

  #pushed(client: Client, key: string): void {
    if (this.#overall.includes(key)) {
      // Read, so that the next connection knows whether it missed anything.
      void this.#look(client, [key], key !== CLEARS).catch(() => undefined)
      return
    }
    for (const [prefix, listeners] of this.#scopes) {
      if (!key.startsWith(prefix)) continue
      const name = decoded(key.slice(prefix.length))
      for (const listener of listeners) listener(name)
    }
  }

  /** Reads tokens; where one is another than it was, and nobody was told why, those who listen are. */
  async #look(client: Client, keys: readonly string[], told = false): Promise<void> {
    const found = await client.sendCommand(['MGET', ...keys]).catch((error: unknown) => this.#failed(error))
    if (!Array.isArray(found) || found.length !== keys.length) return this.#link?.outOfStep(client)
    for (const [i, key] of keys.entries()) {
      const token = found[i] === null ? undefined : String(found[i])
      const before = this.#known.get(key)
      if (token === undefined || token === before || !(await this.#isSo(client, key, token))) continue
      // Somebody else has looked meanwhile.
      if (this.#known.get(key) !== before) continue
      this.#known.set(key, token)
      if (told) continue
      // At the first look there is nothing yet that was copied out of the store.
      if (key !== CLEARS) for (const listener of this.#scopes.get(key) ?? []) listener(undefined)
      else if (before !== undefined || this.#client !== undefined) this.#options.cleared()
    }
  }

  /** Read once more: for a byte that went wrong on the way nobody's disk is emptied. */
  async #isSo(client: Client, key: string, token: string): Promise<boolean> {
    return String(await client.sendCommand(['GET', key])) === token
  }

  async #put(tokens: readonly (readonly [string, string])[]): Promise<void> {
    await within(PATIENCE_MS, this.#begun)
    const send = (client: Client) => Promise.all(tokens.map(([key, token]) => client.sendCommand(['SET', key, token])))
    await this.#link!.call(PATIENCE_MS, send).catch((error: unknown) => this.#failed(error))
  }

  #failed(error: unknown): never {
    if (error instanceof Error && error.message.startsWith('MOVED')) this.#options.moved()
    throw error
  }

  #tellSoon(): void {
    if (this.#untold.size === 0) return
    const told = [...this.#untold]
    this.#telling = this.#telling.then(async () => {
      try {
        await this.#put(told)
        for (const [key, token] of told) {
          if (this.#scopes.has(key)) this.#known.set(key, token)
          if (this.#untold.get(key) === token) this.#untold.delete(key)
        }
      } catch {
        // With the next connection.
      }
    })
  }
}

type Scope = readonly ((name: string | undefined) => void)[]

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
