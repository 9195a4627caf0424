// All values of ours on all servers: listed, counted, removed, by their prefix and nothing else. Stores nothing.
import type { OpDbusError } from '../../errors.js'
import type { Key } from '../../ports.js'
import { MARK_BYTES } from './clears.js'
import { ANY_VALUE, keyOfValue } from './names.js'
import { inOneLine, type NodeLink } from './node-link.js'
import type { Topology } from './topology.js'

export interface Size {
  readonly entries: number
  readonly bytes: number
}

type AsError = (why: string) => OpDbusError
/** What values bear that stand; others are not told. */
type MarkNow = () => Buffer | undefined

/** Names that the server looks at in one step. */
const STEP = 500
/** A server with more keys than this is counted by a sample of so many. */
const COUNTED = 10_000
/** What Redis spends on a key beside the bytes of name and value: measured with MEMORY USAGE, 7.0. */
const OVERHEAD = 72

/** Every key once. Each server is waited for `ms` a step. */
export async function* listValues(
  topology: Topology,
  ms: number,
  mark: MarkNow,
  asError: AsError,
): AsyncIterable<{ key: Key; bytes: number }> {
  const seen = new Set<string>()
  for (const link of mastersOf(topology, asError)) {
    for await (const names of stepsOf(link, ms, asError)) {
      // A server that makes its table larger or smaller meanwhile tells some twice.
      const fresh = names.filter(name => !seen.has(name))
      for (const name of fresh) seen.add(name)
      const lengths = await lengthsOf(link, fresh, ms, mark(), asError)
      for (const [i, name] of fresh.entries()) {
        const key = keyOfValue(name)
        if (key !== undefined && lengths[i] !== undefined) yield { key, bytes: lengths[i]! }
      }
    }
  }
}

/** Exact on small servers; on larger ones what a sample says: a walk over millions of keys would keep the server from its work. */
export async function sizeOfValues(
  topology: Topology,
  ms: number,
  mark: MarkNow,
  asError: AsError,
): Promise<Size & { estimated: boolean }> {
  let [entries, bytes, estimated] = [0, 0, false]
  for (const link of mastersOf(topology, asError)) {
    const all = Number(await send(link, ['DBSIZE'], ms, asError))
    const seen = new Set<string>()
    let [looked, ours, spent] = [0, 0, 0]
    for await (const names of stepsOf(link, ms, asError, COUNTED)) {
      looked += STEP
      const fresh = names.filter(name => !seen.has(name) && keyOfValue(name) !== undefined)
      for (const name of fresh) seen.add(name)
      const lengths = await lengthsOf(link, fresh, ms, mark(), asError)
      for (const [i, name] of fresh.entries()) {
        if (lengths[i] === undefined) continue
        ours++
        spent += name.length + MARK_BYTES + lengths[i]! + OVERHEAD
      }
      if (all > COUNTED && looked >= COUNTED) break
    }
    const times = all > COUNTED ? all / COUNTED : 1
    entries += Math.round(ours * times)
    bytes += Math.round(spent * times)
    estimated ||= all > STEP
  }
  return { entries, bytes, estimated }
}

/** @throws OpDbusError STORE where a server could not be emptied; the others are */
export async function clearValues(topology: Topology, ms: number, mostMs: number, asError: AsError): Promise<void> {
  const until = performance.now() + mostMs
  const cleared = await Promise.allSettled(
    mastersOf(topology, asError).map(async link => {
      for await (const names of stepsOf(link, ms, asError)) {
        if (performance.now() > until) throw asError(`it was not empty after ${mostMs / 1000} s`)
        const ours = names.filter(name => keyOfValue(name) !== undefined)
        for (const group of topology.isCluster ? byTag(ours) : [ours]) {
          if (group.length > 0) await send(link, ['UNLINK', ...group], ms, asError)
        }
      }
    }),
  )
  const failed = cleared.find(outcome => outcome.status === 'rejected')
  if (failed) throw failed.reason
}

function mastersOf({ masters }: Topology, asError: AsError): readonly NodeLink[] {
  if (masters.length === 0) throw asError('no server of the cluster could be reached')
  return masters
}

/** The names of ours, a step of the server's table at a time. */
async function* stepsOf(link: NodeLink, ms: number, asError: AsError, step = COUNTED): AsyncIterable<string[]> {
  let cursor = '0'
  do {
    const count = String(Math.min(STEP, step))
    const [next, names] = (await send(link, ['SCAN', cursor, 'MATCH', ANY_VALUE, 'COUNT', count], ms, asError)) as [
      unknown,
      unknown[],
    ]
    cursor = String(next)
    yield names.map(String)
  } while (cursor !== '0')
}

/** Of each the bytes of its value; undefined where it is none, was cleared, or is gone. */
async function lengthsOf(
  link: NodeLink,
  names: readonly string[],
  ms: number,
  mark: Buffer | undefined,
  asError: AsError,
): Promise<(number | undefined)[]> {
  const lengths: (number | undefined)[] = []
  for (let from = 0; from < names.length; from += 64) {
    const some = names.slice(from, from + 64)
    const answers = await link
      .call(ms, client =>
        Promise.all(
          some.map(async name => {
            const begins = client.sendCommand(['GETRANGE', name, '0', String(MARK_BYTES - 1)]).catch(() => undefined)
            const length = await client.sendCommand(['STRLEN', name]).catch(() => undefined)
            const bytes = await begins
            return Buffer.isBuffer(bytes) && mark?.equals(bytes) ? Number(length) - MARK_BYTES : undefined
          }),
        ),
      )
      .catch((error: unknown) => {
        throw asError(inOneLine(error))
      })
    lengths.push(...answers)
  }
  return lengths
}

function send(link: NodeLink, command: readonly string[], ms: number, asError: AsError): Promise<unknown> {
  return link
    .call(ms, client => client.sendCommand(command))
    .catch((error: unknown) => {
      throw asError(inOneLine(error))
    })
}

function byTag(names: readonly string[]): string[][] {
  const groups = new Map<string, string[]>()
  for (const name of names) {
    const tag = name.slice(0, name.indexOf('}'))
    const group = groups.get(tag)
    if (group) group.push(name)
    else groups.set(tag, [name])
  }
  return [...groups.values()]
}
