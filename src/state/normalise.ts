// What a plugin answered, as the state that everybody works with: plain JSON, in one order, frozen. Asks nobody.
import { isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import { visible } from '../format.js'
import type { JsonObject, JsonValue } from '../json/json.js'
import { deepFreeze, isObject, memberOf, plainJson } from '../json/plain.js'
import { step } from '../json/pointer.js'
import type { ResourceRule, StatePlugin } from './plugin.js'
import { checkCollection, inOrder, kindOf, OUR_WORDS, resourcesOf } from './resources.js'

/**
 * The state in `answer`: keys sorted, keyed lists sorted by name, sets sorted and without repetition, members that are null left out,
 * deep-frozen. Two equal answers print the same bytes.
 * @throws OpDbusError PLUGIN_FAILED for what is no state, with the plugin and the path
 */
export function normaliseState(answer: unknown, plugin: Pick<StatePlugin, 'name' | 'resources'>): JsonObject {
  const wrong = (path: string, message: string): never => {
    const what = visible(`${path || 'the whole'} ${message}`)
    throw new OpDbusError('PLUGIN_FAILED', `plugin ${plugin.name} answered no state: ${what}`, {
      details: { plugin: plugin.name, path },
    })
  }
  try {
    return deepFreeze(stateOf(plainJson(answer, { fault: wrong, unsafe: 'text' }), plugin.resources, wrong))
  } catch (error) {
    // A proxy may throw whatever it likes.
    throw isOpDbusError(error) ? error : wrong('', `cannot be read: ${messageOf(error)}`)
  }
}

function stateOf(
  answer: JsonValue,
  rules: Readonly<Record<string, ResourceRule>>,
  wrong: (path: string, message: string) => never,
): JsonObject {
  if (!isObject(answer)) return wrong('', 'is not an object')
  const state: Record<string, JsonValue> = {}
  for (const [name, collection] of Object.entries(answer)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (!rule) return wrong(step(name), `is none of its resources (${Object.keys(rules).join(', ')})`)
    checkCollection(rule, collection, step(name), wrong)
    checkWords(rule, collection, step(name), wrong)
    for (const resource of resourcesOf(rule, collection).values()) dropNulls(resource)
    state[name] = inOrder(rule, collection)
  }
  return state
}

/** A member that is null is one that is not there: so says whoever desires null. Within lists, which are values, it stays. */
function dropNulls(object: Record<string, JsonValue>): void {
  for (const [key, value] of Object.entries(object)) {
    if (value === null) delete object[key]
    else if (isObject(value)) dropNulls(value)
  }
}

/** A field that is called like a word of ours could not be desired, and a first desired file would say something else than the state. */
function checkWords(
  rule: ResourceRule,
  collection: JsonValue,
  path: string,
  wrong: (path: string, message: string) => never,
): void {
  for (const [name, resource] of resourcesOf(rule, collection)) {
    const word = OUR_WORDS.find(word => memberOf(resource, word) !== undefined)
    const at = kindOf(rule) === 'single' ? path : path + step(name)
    if (word) wrong(at, `has a field ${JSON.stringify(word)}, which is a word of desired files`)
  }
}
