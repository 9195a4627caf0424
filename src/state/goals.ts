// What is to be reached, plugin by plugin: a desired state, or what a checkpoint kept. Says what leads there from a state; asks no system.

import type { DiffCache } from '../caches/diff-cache.js'
import type { JsonObject } from '../json/json.js'
import { deepFreeze } from '../json/plain.js'
import type { Source } from '../ports.js'
import { diffBack, diffState, withTaken } from './diff.js'
import type { ApplyCall, StateAction, StatePlugin } from './plugin.js'
import { identityOf, type Registered, strangerTo } from './registry.js'
import type { Checkpoint, Desired, PluginCheckpoint, PluginDiff } from './reports.js'
import { findResource } from './resources.js'

/** Where one plugin is to be led. */
export interface Goal {
  readonly registered: Registered
  /** All that says what the goal is, as JSON. */
  readonly wanted: unknown
  actionsFrom(current: JsonObject): readonly StateAction[]
  /** Does these actions; never asked for those that are refused. */
  carryOut(actions: readonly StateAction[], call: ApplyCall): Promise<void>
}

/** `desired` names only plugins that are in `all`. */
export function desiredGoals(desired: Desired, all: readonly Registered[]): Goal[] {
  return all
    .filter(({ plugin }) => Object.hasOwn(desired.plugins, plugin.name))
    .map(registered => {
      const { plugin } = registered
      const wanted = desired.plugins[plugin.name]!
      const judged = judging(plugin, plugin.apply ? undefined : `${plugin.name} is read only`)
      return {
        registered,
        wanted,
        actionsFrom: current => diffState(judged, current, wanted),
        carryOut: async (actions, call) => plugin.apply?.(actions, call),
      }
    })
}

/** What a checkpoint says of plugins that are in `all`, in their present version and on the system that they ask now. */
export function checkpointGoals({ plugins }: Checkpoint, all: readonly Registered[]): Goal[] {
  return all.flatMap(registered => {
    const kept = plugins.find(({ plugin }) => plugin === registered.plugin.name)
    return kept && strangerTo(kept, registered) === undefined ? [checkpointGoal(registered, kept)] : []
  })
}

function checkpointGoal(registered: Registered, { resources, extra }: PluginCheckpoint): Goal {
  const { plugin } = registered
  const can = plugin.capabilities.rollback && (plugin.rollback ?? plugin.apply) !== undefined
  const judged = judging(plugin, can ? undefined : `${plugin.name} takes nothing back`)
  return {
    registered,
    wanted: resources,
    actionsFrom(current) {
      const back = resources.map(touched => diffBack(judged, touched, findResource(plugin, current, touched.resource)))
      return withTaken(judged, current, back)
    },
    carryOut: async (actions, call) =>
      plugin.rollback ? plugin.rollback(actions, extra, call) : plugin.apply?.(actions, call),
  }
}

/** The plugin as diffs see it; `refusal`: it does nothing at all, for this reason. */
function judging(
  plugin: StatePlugin,
  refusal: string | undefined,
): Pick<StatePlugin, 'resources' | 'refuses' | 'prunes' | 'takes'> {
  const { resources } = plugin
  return {
    resources,
    refuses: (action, current) => refusal ?? plugin.refuses?.(action, current),
    ...(plugin.prunes && { prunes: (...about) => plugin.prunes!(...about) }),
    ...(plugin.takes && { takes: (...about) => plugin.takes!(...about) }),
  }
}

export interface DiffsParts {
  readonly diffs: DiffCache
}

/** Diffs from states to goals, each computed once while it is in the cache. */
export class Diffs {
  readonly #diffs: DiffCache

  constructor({ diffs }: DiffsParts) {
    this.#diffs = diffs
  }

  async of(goal: Goal, current: JsonObject): Promise<{ readonly diff: PluginDiff; readonly source: Source }> {
    const { plugin, key } = goal.registered
    // What is frozen is hashed once, however often it is compared.
    deepFreeze(goal.wanted)
    // What a plugin refuses may be about its system.
    const input = {
      plugin: plugin.name,
      pluginVersion: plugin.version,
      scope: key,
      current,
      desired: goal.wanted,
    }
    const { value, source } = await this.#diffs.getOrCompute<PluginDiff>(
      input,
      () => ({
        ...identityOf(plugin),
        currentHash: this.#diffs.digestOf(current),
        desiredHash: this.#diffs.digestOf(goal.wanted),
        actions: goal.actionsFrom(current),
      }),
      { frozen: true },
    )
    return { diff: value, source }
  }
}
