// What the manager of plugins is asked and answers. Types only; plain JSON, so that they can be printed and kept as they are.

import type { JsonObject, JsonValue } from '../json/json.js'
import type { CallOptions, Source } from '../ports.js'
import type { Change, PluginCapabilities, ResourceName, ResourceRule, StateAction } from './plugin.js'

export interface PluginInfo {
  readonly name: string
  readonly version: string
  readonly scope?: string
  readonly capabilities: PluginCapabilities
  /** How its state is made of resources. */
  readonly resources: Readonly<Record<string, ResourceRule>>
  readonly available: boolean
  /** Why it is not available. */
  readonly reason?: string
  /** Whether changes of the system are pushed to this process; `off` where that is not asked for or not possible. */
  readonly push: 'on' | 'off' | 'lost'
}

/** What the cache holds of a plugin's answer. */
export type { CachedAnswer } from '../caches/query-call.js'

/** A plugin that did not answer. `unavailable`: it cannot on this machine; `failed`: it should have. */
export interface PluginTrouble {
  readonly kind: 'unavailable' | 'failed'
  readonly message: string
}

export interface StateQuery extends CallOptions {
  /** Asks the system, whatever is cached, and caches what it says. */
  readonly fresh?: boolean | undefined
}

/** State by plugin, in the registry's order. What is in it is frozen: it is shared with the cache. */
export interface QueryReport {
  readonly plugins: Readonly<Record<string, JsonObject>>
  /** Where each answer came from. */
  readonly sources: Readonly<Record<string, Source>>
  /** Plugins that were asked and did not answer. */
  readonly trouble: Readonly<Record<string, PluginTrouble>>
}

export interface DiffCall extends StateQuery {
  /** Of those that the desired state names; absent: all. */
  readonly plugins?: readonly string[] | undefined
}

/** A desired state, read and checked: what `readDesired` made of a file. */
export interface Desired {
  readonly version: 1
  readonly plugins: Readonly<Record<string, DesiredPlugin>>
}

export interface DesiredPlugin {
  /** Resources that are not named are removed, in the collections that are named and as far as the plugin allows. */
  readonly prune: boolean
  /** Without `prune`; resources keep their `ensure` and `prune`. */
  readonly state: JsonObject
}

/** What separates one plugin's current state from the desired one. */
export interface PluginDiff {
  readonly plugin: string
  readonly version: string
  /** Which system was asked, where the plugin says so: what is planned for one is not done to another. */
  readonly scope?: string
  /** SHA-256 of RFC 8785, hex. */
  readonly currentHash: string
  readonly desiredHash: string
  /** In the order of the plugin's resources, then by name. Of kind `none`: declared, and already so. */
  readonly actions: readonly StateAction[]
}

export interface DiffReport {
  /** No action but `none`, and every plugin answered. */
  readonly same: boolean
  readonly diffs: readonly PluginDiff[]
  /** Whether each diff was computed or came from the cache. */
  readonly sources: Readonly<Record<string, Source>>
  /** Where each state came from that was compared: how old the news is. */
  readonly stateSources: Readonly<Record<string, Source>>
  readonly trouble: Readonly<Record<string, PluginTrouble>>
}

/** A diff of fresh state, with what it leads to: can be kept in a file and applied later, if the state has not moved. */
export interface Plan {
  readonly 'op-dbus': 'plan'
  readonly version: 1
  /** ISO 8601. */
  readonly created: string
  /** Which machine it was made on: a digest of its id. Absent where it has none. */
  readonly machine?: string
  /** What it leads to: a desired state, or back to a checkpoint. */
  readonly to: { readonly desired: Desired } | { readonly checkpoint: string }
  readonly diffs: readonly PluginDiff[]
  /** Plugins that were to be asked and did not answer: nothing is planned for them, and an apply says so again. Absent: none. */
  readonly trouble?: Readonly<Record<string, PluginTrouble>>
}

export interface ApplyOptions extends CallOptions {
  /** Told as soon as each is known. */
  readonly onOutcome?: ((outcome: ResourceOutcome) => void) | undefined
  /** Told once when another apply is under way, which is waited for; `who` is for people. */
  readonly onWait?: ((who: string) => void) | undefined
}

/**
 * What really happened to one resource. `done`: and a look afterwards confirms it; `pending`: accepted and not carried out yet, or not
 * known, since the plugin was given up or failed (`message` says which); `unconfirmed`: the plugin said done, and the state still
 * differs; `failed`; `refused`: the plugin does not do this; `skipped`: not tried, since something before it failed.
 */
export interface ResourceOutcome {
  readonly plugin: string
  readonly resource: ResourceName
  readonly action: 'create' | 'modify' | 'delete'
  readonly status: 'done' | 'pending' | 'unconfirmed' | 'failed' | 'refused' | 'skipped'
  readonly message?: string
}

export interface ApplyReport {
  /** Every outcome is `done`; true where there was nothing to do. */
  readonly success: boolean
  readonly outcomes: readonly ResourceOutcome[]
  /** Undefined where nothing was changed. */
  readonly checkpoint?: string
  /** Plugins that could not be asked, or whose apply failed as a whole, and why. */
  readonly trouble: Readonly<Record<string, PluginTrouble>>
  /** Numbers of the blocks that remember it in the chain, one for each plugin that had something to do. Absent where none does. */
  readonly blocks?: readonly number[]
  /** Why the chain does not remember it, though it was to. What was done is done all the same. */
  readonly unremembered?: string
}

/** What an apply is about to change, as it was before: written durably before anything is changed. */
export interface Checkpoint {
  readonly 'op-dbus': 'checkpoint'
  readonly version: 1
  /** Sorts by time: `20261127T171500.123Z-1a2b3c4d`. */
  readonly id: string
  /** ISO 8601. */
  readonly created: string
  /** As in a {@link Plan}. */
  readonly machine?: string
  readonly plugins: readonly PluginCheckpoint[]
  /** Of everything else, as RFC 8785, in hexadecimal: what was damaged is never led back to. */
  readonly sha256: string
}

export interface PluginCheckpoint {
  readonly plugin: string
  readonly version: string
  readonly scope?: string
  readonly resources: readonly TouchedResource[]
  /** What the plugin asked to keep beside. */
  readonly extra: JsonValue
}

/** A resource that was to be touched. */
export interface TouchedResource {
  readonly resource: ResourceName
  /** As it was; null: it was not there. */
  readonly before: JsonObject | null
  /**
   * What was to be changed of it: that alone leads back, and what others have changed since stays. Absent: it was to be made, or removed.
   */
  readonly changes?: readonly Change[]
}

export interface CheckpointInfo {
  readonly id: string
  readonly created: string
  readonly plugins: readonly string[]
  readonly resources: number
  /** It cannot be read, and so not be led back to; nothing is known of it but its id. */
  readonly damaged?: true
}

/**
 * What a watch tells. `changed`: the plugin's state may be another one; `lost`: changes are not told any more by the system (`message` says
 * why), so it is asked again and again until they are, which is `sound`.
 */
export interface WatchEvent {
  readonly plugin: string
  readonly kind: 'changed' | 'lost' | 'sound'
  readonly message?: string
}
