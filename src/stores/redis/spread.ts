// Many keys to the servers that have them: one call for each server, all at once, and each settled apart from the others. What a server
// says of a key, or does not say in time, stands in that key's place.
import { OpDbusError } from '../../errors.js'
import type { Key } from '../../ports.js'
import type { Client } from './client.js'
import { within } from './deadline.js'
import { placeOf, valueName } from './names.js'
import type { NodeLink } from './node-link.js'
import type { Topology } from './topology.js'

type Command = readonly (string | Buffer)[]

/** For each key, in their order, what was answered, or an Error. */
export type Answers = readonly unknown[]

/** Keys that are one command: all of them on one server, in a cluster those of one place. */
interface Group {
  readonly keys: Key[]
  readonly indices: number[]
}

/** What must not wait for one another. */
type Lane = 'values' | 'locks'

/** Of each lane; all together less than client.ts lets wait. Values are long, and locks short. */
const AT_ONCE: Record<Lane, number> = { values: 64, locks: 512 }

/** What is asked of one server, by one call. */
interface Call {
  readonly client: Client
  /** Nobody waits for it any more. */
  isLate: boolean
  readonly outOfStep: () => void
}

type Work = (call: Call, group: Group) => Promise<Answers>

export interface EachOptions {
  readonly ms: number
  readonly command: (key: Key) => Command
  /** What is not sent yet when it fires is not sent. */
  readonly signal?: AbortSignal | undefined
  /** What is sent after an answer for which nobody waits any more, if anything. */
  readonly late?: (key: Key, answer: unknown) => Command | undefined
}

export class Spread {
  readonly #topology: Topology
  readonly #lanes: Record<Lane, Promise<unknown>> = { values: Promise.resolve(), locks: Promise.resolve() }
  readonly #reached: Promise<void>

  constructor(topology: Topology, reached: Promise<void>) {
    this.#topology = topology
    this.#reached = reached
  }

  /** One command for all keys that may be asked for together; it is answered with a list. */
  together(keys: readonly Key[], ms: number, command: (names: readonly string[]) => Command): Promise<Answers> {
    return this.#run(keys, ms, async ({ client, outOfStep }, group) => {
      const answer = await client.sendCommand(command(group.keys.map(valueName)))
      if (Array.isArray(answer) && answer.length === group.keys.length) return answer
      outOfStep()
      throw new Error('it answered something else than it was asked')
    })
  }

  /**
   * A command for each key: so many at once, and after those of the same lane that were asked for before, so that there is always room
   * for reads among the commands that wait for an answer.
   */
  async each(lane: Lane, keys: readonly Key[], { ms, command, signal, late }: EachOptions): Promise<Answers> {
    const answers: unknown[] = []
    const send = async (call: Call, key: Key) => {
      const answer = await call.client.sendCommand(command(key)).catch(asError)
      const after = call.isLate ? late?.(key, answer) : undefined
      if (after) void call.client.sendCommand(after).catch(() => undefined)
      return answer
    }
    for (let from = 0; from < keys.length; from += AT_ONCE[lane]) {
      const some = keys.slice(from, from + AT_ONCE[lane])
      const asked = this.#lanes[lane].then(() =>
        signal?.aborted
          ? some.map(() => asError(signal.reason))
          : this.#run(some, ms, (call, group) => Promise.all(group.keys.map(key => send(call, key)))),
      )
      this.#lanes[lane] = asked
      answers.push(...(await asked))
    }
    return answers
  }

  async #run(keys: readonly Key[], ms: number, work: Work): Promise<Answers> {
    const answers: unknown[] = new Array(keys.length)
    if (keys.length === 0) return answers
    const moved = await this.#once(keys, [...keys.keys()], ms, work, answers)
    if (moved.length > 0) {
      await this.#topology.refresh()
      await this.#once(keys, moved, ms, work, answers)
    }
    return answers
  }

  /** Returns which of `indices` another server has by now. */
  async #once(
    keys: readonly Key[],
    indices: readonly number[],
    ms: number,
    work: Work,
    answers: unknown[],
  ): Promise<number[]> {
    const began = performance.now()
    // A first connection is waited for within the time of the call.
    if (this.#topology.masters.some(({ state }) => state === 'connecting') || this.#topology.masters.length === 0) {
      await within(ms, this.#reached).catch(() => undefined)
    }
    const left = Math.max(1, ms - (performance.now() - began))
    const byLink = this.#grouped(keys, indices)
    await Promise.all(
      [...byLink].map(async ([link, groups]) => {
        const said = await this.#ask(link, groups, left, work)
        for (const [g, { indices: places }] of groups.entries()) {
          for (const [i, place] of places.entries()) answers[place] = said[g]![i]
        }
      }),
    )
    return this.#topology.isCluster ? indices.filter(index => hasMoved(answers[index])) : []
  }

  async #ask(
    link: NodeLink | undefined,
    groups: readonly Group[],
    ms: number,
    work: Work,
  ): Promise<readonly Answers[]> {
    let call: Call | undefined
    try {
      if (link === undefined) throw new OpDbusError('STORE', 'no server is known to have this place')
      return await link.call(ms, client => {
        const begun = { client, isLate: false, outOfStep: () => link.outOfStep(client) }
        call = begun
        return Promise.all(groups.map(group => work(begun, group).catch(error => group.keys.map(() => asError(error)))))
      })
    } catch (error) {
      if (call) call.isLate = true
      return groups.map(({ keys }) => keys.map(() => asError(error)))
    }
  }

  #grouped(keys: readonly Key[], indices: readonly number[]): Map<NodeLink | undefined, Group[]> {
    const topology = this.#topology
    if (!topology.isCluster) {
      const all = { keys: indices.map(index => keys[index]!), indices: [...indices] }
      return new Map([[topology.linkOf(0), [all]]])
    }
    const byPlace = new Map<number, Group>()
    for (const index of indices) {
      const key = keys[index]!
      const place = placeOf(key)
      let group = byPlace.get(place)
      if (group === undefined) {
        group = { keys: [], indices: [] }
        byPlace.set(place, group)
      }
      group.keys.push(key)
      group.indices.push(index)
    }
    const byLink = new Map<NodeLink | undefined, Group[]>()
    for (const [place, group] of byPlace) {
      const link = topology.linkOf(place)
      const groups = byLink.get(link)
      if (groups) groups.push(group)
      else byLink.set(link, [group])
    }
    return byLink
  }
}

function hasMoved(answer: unknown): boolean {
  return answer instanceof Error && /^(MOVED|ASK|TRYAGAIN)\b/.test(answer.message)
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
