// How a state is made of resources, by a plugin's rules. Pure.
import type { JsonObject } from './json.js'
import type { ResourceName, StatePlugin } from './plugin.js'

/** One resource of a normalised state; undefined: it is not there. */
export function findResource(
  _plugin: Pick<StatePlugin, 'resources'>,
  _state: JsonObject,
  _resource: ResourceName,
): JsonObject | undefined {
  throw new Error('being written')
}
