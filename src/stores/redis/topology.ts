// Which server has which place: one for all, or the masters of a cluster, asked for anew where a slot has moved or a master is gone.
// Sends no command of anybody else's.
import type { StoreStatus } from '../../ports.js'
import type { SharedAddress } from '../../shared-url.js'
import type { Client } from './client.js'
import { every, later } from './deadline.js'
import { GENERATION_SLOT, PROBE, TAG_SLOTS } from './names.js'
import { NodeLink, placeName } from './node-link.js'

export interface TopologyOptions {
  readonly address: SharedAddress
  readonly ca?: string | Buffer | undefined
  readonly random: () => number
  /** See {@link NodeLink}. */
  readonly promptMs: number
  /** Told when a server serves, or does not any more, and when the places are others'. */
  readonly changed: () => void
}

interface Place {
  readonly host: string
  readonly port: number
}

/** How often a cluster that is not whole is asked who has what, ms. */
const LOOK_AGAIN_MS = 500
/** How long who has what is waited for, ms. */
const PATIENCE_MS = 1000

export class Topology {
  readonly #options: TopologyOptions
  readonly #links = new Map<string, NodeLink>()
  /** The link of each place; undefined where nobody is known to have it. */
  #places: (NodeLink | undefined)[]
  #generationsAt: Place
  #refreshing: Promise<void> | undefined
  readonly #stopLooking: () => void
  /** Resolves when the servers were reached, or were not, for the first time. */
  readonly opened: Promise<void>

  constructor(options: TopologyOptions) {
    this.#options = options
    const { hosts, cluster } = options.address
    this.#generationsAt = hosts[0]!
    const links = hosts.map(host => this.#linkTo(host))
    this.#places = TAG_SLOTS.map(() => (cluster ? undefined : links[0]))
    this.opened = cluster ? this.#openCluster() : links[0]!.opened
    this.#stopLooking = cluster ? every(LOOK_AGAIN_MS, () => this.#lookAgain()) : () => {}
  }

  get isCluster(): boolean {
    return this.#options.address.cluster
  }

  /** The server of a place. */
  linkOf(place: number): NodeLink | undefined {
    return this.#places[place]
  }

  /** Each server that has a place, once. */
  get masters(): readonly NodeLink[] {
    return [...new Set(this.#places.filter(link => link !== undefined))]
  }

  /** Where generations lie. */
  get generationsAt(): Place {
    return this.#generationsAt
  }

  /** Serving where any of it is. */
  get status(): Pick<StoreStatus, 'state' | 'problem'> {
    const links = this.masters.length > 0 ? this.masters : [...this.#links.values()]
    const without = links.filter(({ state }) => state !== 'serving')
    if (without.length === 0 && this.masters.length > 0) return { state: 'serving' }
    const { at, state = 'left-alone', problem = 'no master is known' } = without[0] ?? {}
    if (links.length === 1) return { state, problem }
    const sentence = `${without.length} of ${links.length} servers cannot be asked, the first of them ${at}: ${problem}`
    return { state: without.length < links.length ? 'serving' : state, problem: sentence }
  }

  /** Asks who has what. Calls that come meanwhile wait for the same answer. Does not reject. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  close(): void {
    this.#stopLooking()
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  async #openCluster(): Promise<void> {
    const links = [...this.#links.values()]
    // One of them is enough to begin with.
    await Promise.any(links.map(link => link.opened.then(() => link.state === 'serving' || Promise.reject()))).catch(
      () => {},
    )
    await this.refresh()
    await Promise.all(this.masters.map(({ opened }) => opened))
  }

  #lookAgain(): void {
    if (this.#places.some(link => link?.state !== 'serving')) void this.refresh()
  }

  async #refresh(): Promise<void> {
    for (const link of [...this.#links.values()].filter(({ state }) => state === 'serving')) {
      const ranges = await link.call(PATIENCE_MS, slotsOf).catch(() => undefined)
      if (ranges === undefined) continue
      const host =
        this.#options.address.hosts.find(one => placeName(one) === link.at)?.host ?? link.at.replace(/:\d+$/, '')
      return this.#take(ranges.map(range => ({ ...range, host: range.host || host })))
    }
    // Nobody is left that could be asked: those that the URL names may be back.
    for (const host of this.#options.address.hosts) this.#linkTo(host)
  }

  #take(ranges: readonly Range[]): void {
    const [before, generationsBefore] = [this.#places, this.#generationsAt]
    const at = (slot: number) => ranges.find(({ from, to }) => slot >= from && slot <= to)
    this.#places = TAG_SLOTS.map(slot => {
      const place = at(slot)
      return place && this.#linkTo(place)
    })
    this.#generationsAt = at(GENERATION_SLOT) ?? this.#generationsAt
    const { host, port } = this.#generationsAt
    const same = host === generationsBefore.host && port === generationsBefore.port
    if (same && this.#places.every((link, i) => link === before[i])) return
    this.#options.changed()
    // Calls that have just been sent may still be answered.
    later(PATIENCE_MS, () => {
      for (const [name, link] of this.#links) {
        if (this.#places.includes(link)) continue
        link.close()
        this.#links.delete(name)
      }
    })
  }

  #linkTo({ host, port }: Place): NodeLink {
    const name = placeName({ host, port })
    let link = this.#links.get(name)
    if (link === undefined) {
      const { address, ca, random, promptMs, changed } = this.#options
      const prepare = (client: Client) => lookAt(client, address.cluster)
      link = new NodeLink({ address, host, port, ca, hearsPushes: false, random, promptMs, changed, prepare })
      this.#links.set(name, link)
    }
    return link
  }
}

interface Range extends Place {
  readonly from: number
  readonly to: number
}

/** Rejects where the server is in no cluster, or answers something else. */
async function slotsOf(client: Client): Promise<readonly Range[]> {
  const answer = (await client.sendCommand(['CLUSTER', 'SLOTS'])) as [number, number, [Buffer | null, number]][]
  return answer.map(([from, to, [host, port]]) => ({ from, to, host: String(host ?? ''), port }))
}

/** Rejects where a server that was reached is of no use to us, and says why. Asks for nothing that the access list does not have. */
export async function lookAt(client: Client, isCluster: boolean): Promise<void> {
  const [hello] = await Promise.all([
    client.sendCommand(['HELLO']),
    client.sendCommand(['EXISTS', PROBE]).catch(ifForbidden),
  ])
  // Where changes are pushed it is a map.
  const told = (Array.isArray(hello) ? hello : Object.entries(hello ?? {}).flat()).map(String)
  const mode = told[told.indexOf('mode') + 1]
  if (mode === 'sentinel') throw new Error('it is a sentinel, which stores nothing: name the server itself')
  if (mode === 'cluster' && !isCluster)
    throw new Error('it is one of a cluster: write redis+cluster:// or rediss+cluster://')
  if (mode === 'standalone' && isCluster) throw new Error('it is in no cluster: write redis:// or rediss://')
}

/** Another server may have it; what may not be read is of no use. */
function ifForbidden(error: unknown): void {
  if (error instanceof Error && /^(NOPERM|NOAUTH)\b/.test(error.message)) throw error
}
