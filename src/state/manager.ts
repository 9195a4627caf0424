// The manager of plugins: what is asked of the state of a system goes through here. A face: what each question takes is in the files beside it.
import { OpDbusError } from '../errors.js'
import type { CallOptions } from '../ports.js'
import type { JsonObject } from './json.js'
import type { Watch } from './plugin.js'
import type {
  ApplyOptions,
  ApplyReport,
  CheckpointInfo,
  Desired,
  DiffCall,
  DiffReport,
  Plan,
  PluginInfo,
  QueryCall,
  QueryReport,
  WatchEvent,
} from './reports.js'

/** A desired state that was read, or the object that a desired file holds: `{ version: 1, plugins: { net: { … } } }`. */
export type DesiredInput = Desired | { readonly version: 1; readonly plugins: Readonly<Record<string, JsonObject>> }

/** What a first desired file holds. */
export interface InitialState {
  readonly version: 1
  readonly plugins: Readonly<Record<string, JsonObject>>
}

export class StateManager {
  /** Every plugin, in the order in which they are asked and applied. @throws OpDbusError INVALID_INPUT for a module that is no plugin */
  async plugins(_call: CallOptions = {}): Promise<readonly PluginInfo[]> {
    throw notYet()
  }

  /**
   * The state of these plugins, or of all: cached, unless it is to be fresh. One that does not answer is told in `trouble`.
   * @throws OpDbusError INVALID_INPUT for a plugin that there is not; ABORTED
   */
  async query(_names?: readonly string[], _call: QueryCall = {}): Promise<QueryReport> {
    throw notYet()
  }

  /**
   * What a desired file says. `file` is what messages call it.
   * @throws OpDbusError INVALID_INPUT (`file:line:column path: message`)
   */
  async readDesired(_text: string | Uint8Array, _file: string): Promise<Desired> {
    throw notYet()
  }

  /** What separates the state from `desired`. @throws OpDbusError INVALID_INPUT, ABORTED */
  async diff(_desired: DesiredInput, _call: DiffCall = {}): Promise<DiffReport> {
    throw notYet()
  }

  /** As {@link diff}, of fresh state: whether the system is as desired. @throws OpDbusError INVALID_INPUT, ABORTED */
  async verify(_desired: DesiredInput, _call: Omit<DiffCall, 'fresh'> = {}): Promise<DiffReport> {
    throw notYet()
  }

  /** What an apply would do now. @throws OpDbusError INVALID_INPUT, ABORTED */
  async plan(_desired: DesiredInput, _call: Omit<DiffCall, 'fresh'> = {}): Promise<Plan> {
    throw notYet()
  }

  /**
   * Does what a plan says, if the state is still what the plan saw, and tells what really happened, resource by resource.
   * @throws OpDbusError CONFLICT where the state has moved, with nothing changed; INVALID_INPUT, ABORTED, STORE
   */
  async apply(_plan: Plan, _options: ApplyOptions = {}): Promise<ApplyReport> {
    throw notYet()
  }

  /** What was kept before each apply, newest first. */
  async checkpoints(): Promise<readonly CheckpointInfo[]> {
    throw notYet()
  }

  /**
   * A plan that leads back to what was before an apply: of the newest checkpoint, or of the one whose id begins with `id`.
   * @throws OpDbusError INVALID_INPUT where there is none, or several; ABORTED
   */
  async planRollback(_id?: string, _call: CallOptions = {}): Promise<Plan> {
    throw notYet()
  }

  /** What a first desired file should say: the state now, as far as `apply` can change it. @throws OpDbusError INVALID_INPUT, ABORTED */
  async initial(_names?: readonly string[], _call: CallOptions = {}): Promise<InitialState> {
    throw notYet()
  }

  /**
   * Tells changes of these plugins, or of all that are available, until the watch is closed, and keeps the process alive for that. Resolves once nothing
   * can be missed. A plugin that tells nothing by itself is asked each time that the cache's time is up.
   * @throws OpDbusError INVALID_INPUT
   */
  async watch(_names: readonly string[] | undefined, _listener: (event: WatchEvent) => void): Promise<Watch> {
    throw notYet()
  }

  /** Ends watches, lets plugins go, and closes the caches unless they are the caller's. Closing twice is fine. */
  async close(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function notYet(): OpDbusError {
  return new OpDbusError('PLUGIN_UNAVAILABLE', 'the manager of plugins is being written')
}
