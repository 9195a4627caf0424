// What a plugin answered, as the state that everybody works with: plain JSON, in one order, frozen. Asks nobody.
import type { JsonObject } from './json.js'
import type { StatePlugin } from './plugin.js'

/**
 * The state in `answer`: keys sorted, keyed lists sorted by name, sets sorted and without repetition, deep-frozen. Two equal answers
 * print the same bytes.
 * @throws OpDbusError PLUGIN_FAILED for what is no state, with the plugin and the path
 */
export function normaliseState(_answer: unknown, _plugin: Pick<StatePlugin, 'name' | 'resources'>): JsonObject {
  throw new Error('being written')
}
