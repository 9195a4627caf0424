// Which level of the caching strategy serves where a level may give way to a lower one. Brings no model itself.

import { isOpDbusError, messageOf, OpDbusError } from '../../errors.js'
import type { ModelSpec } from './spec.js'
import { KNOWN_MODELS } from './table.js'

/** The levels of the caching strategy, each giving way to the next, and the model that is always there. */
export const LEVELS = ['high', 'medium', 'low', 'builtin'] as const
export type Level = (typeof LEVELS)[number]

/** A level that could not serve, and why. */
export interface GaveWay {
  readonly name: string
  readonly reason: string
}

export interface ResolvedModel {
  readonly spec: ModelSpec
  /** The name that serves: the one asked for, unless it gave way. */
  readonly ranAs: string
  /** From the level asked for downwards; empty when that one serves. */
  readonly gaveWay: readonly GaveWay[]
}

export interface LevelRequest {
  /** What else was asked for and may decide, so that one request's outcome does not stand for another's. */
  readonly variant?: string
  /** The spec of one level; rejects where it cannot be had. */
  bring(name: Level): Promise<ModelSpec>
  /** Opens the model and lets go of it or keeps it; rejects where it cannot be opened. */
  readonly probe?: (spec: ModelSpec) => Promise<void>
}

/**
 * One for a process or page: a level that gave way stays away until that ends, so that no two of its parts embed in
 * different spaces under one name.
 */
export class Levels {
  readonly #gaveWay = new Map<string, { readonly ranAs: Level; readonly gaveWay: readonly GaveWay[] }>()
  #deciding: Promise<unknown> = Promise.resolve()

  /** The level asked for, else the next lower one that can be brought and opened. */
  choose(asked: Level, request: LevelRequest): Promise<ResolvedModel> {
    // One decision at a time: the second finds what the first decided.
    const decision = this.#deciding.then(() => this.#decide(asked, request))
    this.#deciding = decision.catch(() => undefined)
    return decision
  }

  async #decide(asked: Level, { variant, bring, probe }: LevelRequest): Promise<ResolvedModel> {
    const key = JSON.stringify([asked, variant])
    const before = this.#gaveWay.get(key)
    if (before) return { ...before, spec: await bring(before.ranAs) }
    const gaveWay: GaveWay[] = []
    let first: OpDbusError | undefined
    for (const ranAs of LEVELS.slice(LEVELS.indexOf(asked))) {
      try {
        const spec = await bring(ranAs)
        await probe?.(spec)
        if (gaveWay.length > 0) this.#gaveWay.set(key, { ranAs, gaveWay })
        return { spec, ranAs, gaveWay }
      } catch (error) {
        if (!mayGiveWay(error, gaveWay.length > 0)) throw error
        first ??= error
        gaveWay.push({ name: ranAs, reason: messageOf(error).split('\n')[0]! })
      }
    }
    throw allFailed(gaveWay, first!)
  }
}

/** The level that a name or a level's hub id means. */
export function levelOf(name: string): Level | undefined {
  return LEVELS.find(level => level === name || (level !== 'builtin' && KNOWN_MODELS[level].hubId === name))
}

/**
 * What another level may mend: not what the caller asked for wrongly, or no longer wants. `lower`: the caller asked this of
 * another level, so it is no fault of his that this one has fewer dims.
 */
function mayGiveWay(error: unknown, lower: boolean): error is OpDbusError {
  if (!isOpDbusError(error) || ['ABORTED', 'CLOSED', 'DISABLED'].includes(error.code)) return false
  return lower || error.code !== 'INVALID_INPUT'
}

function allFailed(gaveWay: readonly GaveWay[], first: OpDbusError): OpDbusError {
  if (gaveWay.length === 1) return first
  const reasons = gaveWay.map(({ name, reason }) => `${name} (${reason})`).join('; ')
  return new OpDbusError(first.code, `no level could serve: ${reasons}`, {
    cause: first,
    details: { ...first.details, gaveWay },
  })
}
