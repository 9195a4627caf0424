// The port of plugins: what reads and changes one part of a system. A plugin knows no cache, no file of ours and no command line;
// what is true of all of them (deadlines, limits, caching, checkpoints on disk, the order of things) is the manager's.

import type { JsonObject, JsonValue, Problem } from '../json/json.js'
import type { Clock, Warn } from '../ports.js'

export type { Problem } from '../json/json.js'

/** One part of a system: its network, its units, its containers. */
export interface StatePlugin {
  /** `net`: a lower-case letter, then letters, digits, `_` and `-`; at most 50 characters. */
  readonly name: string
  /** Of what it answers and how that is compared. Another version never answers from what this one cached. */
  readonly version: string
  /** Which system it asks, where that can be chosen (a socket's path): what one answered never stands for another. */
  readonly scope?: string
  /**
   * From where it asks, where the same system looks otherwise from elsewhere (another network namespace): what one process cached stands for
   * those alone that ask from there. Plans and checkpoints go by {@link scope} alone: this may be another one after a restart.
   */
  readonly vantage?: string
  /** How its state is made of resources, in the order in which they are told. */
  readonly resources: Readonly<Record<string, ResourceRule>>
  readonly capabilities: PluginCapabilities
  /**
   * Other plugins whose state may change by what this one applies (a container that is started makes links): what is cached of theirs
   * goes too.
   */
  readonly affects?: readonly string[]
  /**
   * Why it cannot serve on this machine, in one sentence; undefined where it can. Cheap: it looks whether a socket or a program is there.
   */
  unavailable?(): string | undefined | Promise<string | undefined>
  /**
   * The state now, without anything that changes by itself (counters, timers, timestamps, load): two answers with nothing changed
   * between them are equal (keys, keyed lists and sets are put in order by the manager; the order of other lists counts). Integers that
   * no double holds are decimal strings, or bigints, which become that.
   */
  query(call: PluginCall): Promise<JsonObject>
  /** The part of a state that a first desired file should declare: what `apply` can change. Absent: all of it. */
  initial?(state: JsonObject): JsonObject
  /**
   * What is wrong in `desired`, beyond what {@link resources} says: fields that there are not, values that no system takes. Its resources
   * keep `ensure` (`present` or `absent`) and `prune` (true or false), which are right by then and no fields of the system.
   */
  check?(desired: JsonObject): readonly Problem[]
  /**
   * Why this action is none that it can do, in one sentence (`the mtu of a physical link is not changed`). Told in the plan. `current` is
   * the whole resource as it is; undefined where there is none.
   */
  refuses?(action: StateAction, current: JsonObject | undefined): string | undefined
  /**
   * Whether `"prune": true` may remove this resource, which the desired state does not name. `desired`: the plugin's whole desired state,
   * which may speak of it elsewhere (a port in the list of its bridge). Absent: it may remove none, and prune is refused.
   */
  prunes?(resource: ResourceName, current: JsonObject, desired: JsonObject): boolean
  /** What else goes, or loses what it hangs on, when this resource is removed: the ports of a bridge. `state` is the whole as it is. */
  takes?(resource: ResourceName, state: JsonObject): readonly ResourceName[]
  /**
   * Does `actions` (none of kind `none`, none refused) and reports each as soon as it is known how it went. Looks again before it changes
   * anything: where an `old` value is not what it was, nothing is done and it rejects with CONFLICT. What is not reported when it rejects
   * counts as not done.
   */
  apply?(actions: readonly StateAction[], call: ApplyCall): Promise<void>
  /**
   * What `rollback` needs beyond the state of the resources that `actions` touch, which the manager keeps anyway (raw rows of a database).
   * Absent: nothing.
   */
  checkpoint?(actions: readonly StateAction[], call: PluginCall): Promise<JsonValue>
  /**
   * As `apply`, of actions that lead back to a checkpoint; `extra` is what `checkpoint` answered then. Absent: `apply` is asked.
   */
  rollback?(actions: readonly StateAction[], extra: JsonValue, call: ApplyCall): Promise<void>
  /**
   * Tells, from the moment that the promise resolves, each change of what `query` would answer; it may tell too much, and never too little.
   * Rejects where the system tells nothing. Absent: it never does.
   */
  watch?(watcher: Watcher, call: PluginCall): Promise<Watch>
  /** Lets go of connections. Called once. */
  close?(): void | Promise<void>
}

export interface PluginCapabilities {
  /** It changes things: has `apply`. */
  readonly apply: boolean
  /** All actions that `apply` is given happen, or none. What is refused is not given, and holds nothing back. */
  readonly atomic: boolean
  /** What `apply` did can be undone. */
  readonly rollback: boolean
  /** It tells changes: has `watch`. */
  readonly watch: boolean
}

/**
 * How one member of a plugin's state holds resources: a list whose elements are named by a field, or by several together
 * (`["destination", "device"]`); an object by name (`key` absent); or one resource by itself.
 */
export interface ResourceRule {
  readonly key?: string | readonly string[]
  readonly single?: boolean
  /**
   * Lists of a resource that are sets: what is declared must be among them, and what else is there stays, unless the resource says
   * `"prune": true`. All other lists are values, compared whole. Top-level fields of the resource.
   */
  readonly sets?: readonly string[]
  /** Lists that are compared whole, and whose order says nothing: they are told sorted, each member once. Top-level fields as well. */
  readonly unordered?: readonly string[]
  /**
   * Top-level fields whose value may change by itself (whether a unit runs that crashes and is started again), and that `apply` leads
   * to what is wanted from any value: a plan holds although their `old` is another one by now, or they are as wanted already.
   */
  readonly volatile?: readonly string[]
  /**
   * The fields of a resource of that name while it is not there: what declares no more is so already (a unit that there is not, declared
   * as inactive). Undefined: that is not known.
   */
  absent?(name: string): JsonObject | undefined
  /** Fields that say most of a resource, the most telling first: for a line of text. `ipv4.address` is one of a field's own. */
  readonly summary?: readonly string[]
}

/** A resource of one plugin: `{ collection: 'interfaces', name: 'ovsbr0' }`. A single one is named ''. */
export interface ResourceName {
  readonly collection: string
  readonly name: string
}

/** One value that differs. Absent `old`: it is not there yet; absent `new`: it is to go. */
export interface Change {
  /** RFC 6901, from the resource on: `/external_ids/owner`. */
  readonly path: string
  readonly old?: JsonValue
  readonly new?: JsonValue
}

/** What is to be done with one resource. `refused`: why it cannot be, by {@link StatePlugin.refuses}. */
export type StateAction =
  | { readonly kind: 'create'; readonly resource: ResourceName; readonly new: JsonObject; readonly refused?: string }
  | {
      readonly kind: 'modify'
      readonly resource: ResourceName
      readonly changes: readonly Change[]
      readonly refused?: string
    }
  | {
      readonly kind: 'delete'
      readonly resource: ResourceName
      readonly old: JsonObject
      /** What goes with it, by {@link StatePlugin.takes}, as far as no action of its own says what becomes of that. */
      readonly with?: readonly { readonly resource: ResourceName; readonly old: JsonObject }[]
      readonly refused?: string
    }
  | { readonly kind: 'none'; readonly resource: ResourceName }

export interface PluginCall {
  /** Fires at the deadline, and when nobody waits any more. */
  readonly signal: AbortSignal
}

export interface ApplyCall extends PluginCall {
  report(resource: ResourceName, outcome: Outcome): void
}

/**
 * How an action went. `done`: the system says that it is so; `pending`: accepted and kept, and not carried out yet when the deadline came
 * (`message` says what is missing).
 */
export interface Outcome {
  readonly status: 'done' | 'pending' | 'failed'
  readonly message?: string
}

export interface Watcher {
  /** The state may be another one. Cheap, and may be called any number of times. */
  changed(): void
  /** Nothing is told any more; `why` in one sentence. Called once at most, and not after {@link Watch.close}. */
  lost(why: string): void
}

export interface Watch {
  close(): void
}

/** What plugins are made of: handed to a plugin module's function, and to the plugins that come with op-dbus. */
export interface PluginTools {
  readonly clock: Clock
  readonly env: Readonly<Record<string, string | undefined>>
  readonly warn: Warn
  /** Runs a program, without a shell. See {@link RunOptions} for what ends it. */
  run(command: string, args: readonly string[], options: RunOptions): Promise<RunResult>
}

export interface RunOptions {
  /** Ends the program: SIGTERM, and SIGKILL a second later. */
  readonly signal: AbortSignal
  /** What it reads from its standard input; else it reads nothing. */
  readonly input?: string
  /** Of its standard output; more is an error. Default 16 MiB. */
  readonly maxBytes?: number
}

/** A program that ended by itself. One that could not be started, was ended or wrote too much is a PLUGIN_FAILED error. */
export interface RunResult {
  readonly code: number
  readonly stdout: string
  /** The end of it, at most 4 KiB. */
  readonly stderr: string
}

/** What a plugin module exports as `default`: a plugin, or a function that makes one. */
export type PluginModule = StatePlugin | ((tools: PluginTools) => StatePlugin | Promise<StatePlugin>)
