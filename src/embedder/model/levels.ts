// Which level of the caching strategy serves where a level may give way to a lower one. Brings no model itself.

import { isOpDbusError, messageOf, OpDbusError } from '../../errors.js'
import type { ModelSpec } from './spec.js'
import { KNOWN_MODELS } from './table.js'

/** The levels of the caching strategy, each giving way to the next, and the model that is always there. */
const LEVELS = ['high', 'medium', 'low', 'builtin'] as const
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
  /** A level that cannot serve gives way to the next lower one. */
  readonly fallback: boolean
  /** What else was asked for and may decide, so that one request's outcome does not stand for another's. */
  readonly variant?: string
  /** The spec of one model; rejects where it cannot be had. */
  bring(name: string): Promise<ModelSpec>
  /**
   * Opens the model and lets go of it or keeps it; rejects where it cannot be opened. Asked only with `fallback`: the
   * level must be chosen before the first vector, since each has a space of its own.
   */
  readonly probe?: (spec: ModelSpec) => Promise<void>
}

/**
 * One for a process or page, made by its root: a level that gave way stays away until that ends, so that no two of its
 * caches embed in different spaces under one name.
 */
export class Levels {
  readonly #gaveWay = new Map<string, { readonly ranAs: Level; readonly gaveWay: readonly GaveWay[] }>()
  #deciding: Promise<unknown> = Promise.resolve()

  /**
   * The model asked for; with `fallback`, and where that is a level, else the next lower one that can be brought and opened.
   * Rejects with what `bring` and `probe` say; with `fallback`, only when the built-in model cannot serve either.
   */
  async resolve(name: string, request: LevelRequest): Promise<ResolvedModel> {
    const level = request.fallback ? levelOf(name) : undefined
    if (level === undefined) return { spec: await request.bring(name), ranAs: name, gaveWay: [] }
    // One decision at a time: the second finds what the first decided.
    const decision = this.#deciding.then(() => this.#decide(level, request))
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
