// What is remembered of an apply: a footprint for each plugin that was to change something. Makes them, and hands them on; keeps nothing.
import { canonicalJson } from '../cache/canonical-json.js'
import { isOpDbusError, messageOf, OpDbusError, throwIfAborted } from '../errors.js'
import type { JsonObject, JsonValue } from '../json/json.js'
import { MAX_DEPTH } from '../json/plain.js'
import type { Hash, Timer, Warn } from '../ports.js'
import type { Step } from './carry-out.js'
import type { ApplyReport, Plan, ResourceOutcome } from './reports.js'
import { resourceKey } from './resources.js'
import { type Done, fieldsOf, sentences } from './sentences.js'

/** Of an apply's data, bytes of JSON: what is longer is remembered by names and hashes. */
const MOST_BYTES = 1 << 20
/** A chain that somebody else works on for so long is not waited for. */
const PATIENCE_MS = 30_000

/** What op-dbus calls a footprint, as an apply leaves it. */
export interface ApplyFootprint {
  readonly plugin_id: string
  /** `apply_error` where something was not done. */
  readonly operation: 'apply' | 'apply_error'
  readonly data: JsonObject
  readonly metadata: JsonObject
  /** What is searched for by meaning. */
  readonly text: string
}

/** The chain, as an apply sees it. */
export interface Memory {
  /** Whether values are remembered, or only the names of what changed. */
  readonly values: boolean
  /**
   * Sees that footprints can be added. `onWait` is told once when another process writes there, which is waited for.
   * @throws OpDbusError CHAIN_DAMAGED, STORE, ABORTED
   */
  ready(signal: AbortSignal, onWait: (who: string) => void): Promise<void>
  /** Remembers all of them or none, and answers the numbers of their blocks. */
  add(footprints: readonly ApplyFootprint[], signal: AbortSignal): Promise<readonly number[]>
}

export interface RememberParts {
  /** Undefined where nothing is to be remembered. */
  readonly memory: Memory | undefined
  readonly hash: Hash
  /** Keeps the process alive. */
  readonly timer: Timer
  readonly warn: Warn
}

export interface Applied {
  readonly plan: Plan
  readonly steps: readonly Step[]
  readonly report: ApplyReport
  /** By plugin: how long it took, microseconds. */
  readonly micros: ReadonlyMap<string, number>
}

/**
 * Before anything is changed: what nobody would remember is not done.
 * @throws OpDbusError CHAIN_DAMAGED, STORE where the chain takes no block; ABORTED
 */
export async function refuseForgetting(
  { memory, timer, warn }: RememberParts,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (memory === undefined) return
  throwIfAborted(signal)
  const onWait = (who: string) =>
    warn(`${who} writes to the chain: waiting for it, at most ${PATIENCE_MS / 1000} s, before anything is changed`)
  try {
    await patiently(timer, signal, ended => memory.ready(ended, onWait))
  } catch (error) {
    throwIfAborted(signal)
    throw refused(error)
  }
}

function refused(error: unknown): OpDbusError {
  const code = isOpDbusError(error) && error.code !== 'ABORTED' ? error.code : 'STORE'
  const details = isOpDbusError(error) ? error.details : {}
  const [first, ...rest] = messageOf(error).split('\n')
  const mend =
    code === 'CHAIN_DAMAGED'
      ? 'op-dbus blockchain verify says what is wrong, op-dbus blockchain repair mends the chain'
      : rest.join('; ')
  return new OpDbusError(
    code,
    `nothing was changed, since the chain could not remember it: ${first}\n` +
      `${mend === '' ? '' : `${mend}; `}OPDBUS_BLOCKCHAIN=off applies without the chain`,
    { cause: error, details },
  )
}

/** What a report says of its blocks. Never rejects: what was done is done, and has to be told. */
export async function rememberApply(
  applied: Applied,
  { memory, hash, timer, warn }: RememberParts,
): Promise<Pick<ApplyReport, 'blocks' | 'unremembered'>> {
  if (memory === undefined) return {}
  try {
    const footprints = footprintsOf(applied, hash, memory.values)
    if (footprints.length === 0) return {}
    return { blocks: await patiently(timer, undefined, ended => memory.add(footprints, ended)) }
  } catch (error) {
    const unremembered = messageOf(error)
    warn(`the apply was done, and is not remembered in the chain: ${unremembered}`, error)
    return { unremembered }
  }
}

/** Ends `work` where the chain is busy for too long, and where `signal` says so. */
async function patiently<T>(
  timer: Timer,
  signal: AbortSignal | undefined,
  work: (ended: AbortSignal) => Promise<T>,
): Promise<T> {
  const patience = new AbortController()
  const stop = timer(PATIENCE_MS, () => patience.abort(new Error(`the chain was busy for ${PATIENCE_MS / 1000} s`)))
  try {
    return await work(signal === undefined ? patience.signal : AbortSignal.any([patience.signal, signal]))
  } finally {
    stop()
  }
}

/** In the order in which plugins were applied. Without `values` only names of what changed, and hashes. */
export function footprintsOf({ plan, steps, report, micros }: Applied, hash: Hash, values: boolean): ApplyFootprint[] {
  const outcomes = new Map(report.outcomes.map(outcome => [keyOf(outcome), outcome]))
  return steps.flatMap(({ goal, due }) => {
    const plugin = goal.registered.plugin.name
    const done = due.flatMap((action): Done[] => {
      const outcome = outcomes.get(keyOf({ plugin, resource: action.resource }))
      return outcome === undefined || action.kind === 'none' ? [] : [{ action, outcome }]
    })
    if (done.length === 0) return []
    const trouble = report.trouble[plugin]?.message
    const rollbackTo = 'checkpoint' in plan.to ? plan.to.checkpoint : undefined
    const diff = plan.diffs.find(one => one.plugin === plugin)
    const counts: Record<string, number> = {}
    for (const { outcome } of done) counts[outcome.status] = (counts[outcome.status] ?? 0) + 1
    const failed = trouble !== undefined || done.some(({ outcome }) => outcome.status !== 'done')
    const metadata = {
      outcomes: counts,
      ...(diff && { currentHash: diff.currentHash, desiredHash: diff.desiredHash }),
      ...(report.checkpoint !== undefined && { checkpoint: report.checkpoint }),
      ...(rollbackTo !== undefined && { rollbackTo }),
      ...(micros.has(plugin) && { micros: Math.round(micros.get(plugin)!) }),
      // A message may quote a value.
      ...(trouble !== undefined && values && { trouble: trouble.slice(0, 1000).toWellFormed() }),
    }
    return [
      {
        plugin_id: plugin,
        operation: failed ? ('apply_error' as const) : ('apply' as const),
        data: values ? dataOf(done, hash) : namesOf(done, hash),
        metadata,
        text: sentences(
          {
            plugin,
            values,
            ...(rollbackTo !== undefined && { rollbackTo }),
            ...(trouble !== undefined && { trouble }),
          },
          done,
        ),
      },
    ]
  })
}

/**
 * Every action with its values and what came of it. Of an apply that is too long, or nests too deep, names and hashes; of a longer one as
 * many as there is room for.
 */
function dataOf(done: readonly Done[], hash: Hash): JsonObject {
  const whole = done.map(wholeAction)
  const texts = whole.map(action => canonicalJson(action))
  if (sizeOf(texts) <= MOST_BYTES && !isDeeper(whole, MAX_DEPTH - 1)) return { actions: whole }
  return fittingOf(
    done.map((one, i) => namedAction(one, hash.sha256(texts[i]!))),
    hash,
  )
}

/** Every action with the names of the fields that it was about, as many as there is room for. */
function namesOf(done: readonly Done[], hash: Hash): JsonObject {
  const named = done.map(one => {
    const changed = fieldsOf(one.action)
    const action = namedAction(one, hash.sha256(canonicalJson(wholeAction(one))))
    return changed.length === 0 ? action : { ...action, changed }
  })
  return fittingOf(named, hash)
}

function namedAction({ action: { resource }, outcome: { action, status } }: Done, sha256: string): JsonObject {
  return { action, ...resource, status, sha256 }
}

function fittingOf(named: readonly JsonObject[], hash: Hash): JsonObject {
  let room = MOST_BYTES
  const fitting = named.findIndex(one => {
    room -= sizeOf([canonicalJson(one)])
    return room < 0
  })
  if (fitting < 0) return { actions: named }
  return { actions: named.slice(0, fitting), more: named.length - fitting, sha256: hash.sha256(canonicalJson(named)) }
}

function wholeAction({ action, outcome: { status, message } }: Done): JsonObject {
  const { kind, resource } = action
  const values: JsonObject =
    kind === 'create'
      ? { new: action.new }
      : kind === 'modify'
        ? { changes: action.changes as unknown as JsonValue }
        : { old: action.old, ...(action.with && { with: action.with as unknown as JsonValue }) }
  return wellFormed({ action: kind, ...resource, ...values, status, ...(message !== undefined && { message }) })
}

/** A state may hold halves of surrogate pairs, which no block can: they become U+FFFD. */
function wellFormed<T extends JsonValue>(value: T): T {
  const text = JSON.stringify(value)
  // `JSON.stringify` escapes halves, and nothing else so.
  return /\\ud[89a-f]/.test(text)
    ? JSON.parse(text.replace(/(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '$1\ufffd'))
    : value
}

function isDeeper(value: JsonValue, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some(one => isDeeper(one, levels - 1))
}

/** Bytes of UTF-8, commas included. */
function sizeOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0)
}

function keyOf({ plugin, resource }: Pick<ResourceOutcome, 'plugin' | 'resource'>): string {
  return `${plugin} ${resourceKey(resource)}`
}
