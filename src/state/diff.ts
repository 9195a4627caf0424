// What separates a plugin's state from the desired one, as actions. Pure: asks no system, and caches nothing.
import type { JsonObject } from './json.js'
import type { ResourceName, StateAction, StatePlugin } from './plugin.js'
import type { DesiredPlugin } from './reports.js'

/** What leads from `current` (a normalised state) to `desired`, in the order of the plugin's resources, then by name. */
export function diffState(
  _plugin: Pick<StatePlugin, 'resources' | 'refuses' | 'prunes'>,
  _current: JsonObject,
  _desired: DesiredPlugin,
): StateAction[] {
  throw new Error('being written')
}

/**
 * What leads one resource from `current` (undefined: it is not there) exactly back to `before` (null: it was not there). A field that was not
 * there is a change without `new`.
 */
export function diffWhole(
  _plugin: Pick<StatePlugin, 'refuses'>,
  _resource: ResourceName,
  _current: JsonObject | undefined,
  _before: JsonObject | null,
): StateAction {
  throw new Error('being written')
}
