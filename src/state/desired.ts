// Desired states: what a file or a program says should be, checked before anything else happens. Asks no system.
import { messageOf, OpDbusError } from '../errors.js'
import type { JsonObject, JsonValue } from '../json/json.js'
import { type JsonDocument, Problems, readJson } from '../json/json-text.js'
import { deepFreeze, isObject, plainJson } from '../json/plain.js'
import { step } from '../json/pointer.js'
import { nearest } from '../nearest.js'
import type { ResourceRule, StatePlugin } from './plugin.js'
import type { Desired, DesiredPlugin } from './reports.js'
import { checkCollection, inOrder, kindOf } from './resources.js'

/** What a desired file holds: `{ version: 1, plugins: { net: { … } } }`. Without a version, it is 1. */
export interface DesiredFile {
  readonly version?: 1 | undefined
  readonly plugins: Readonly<Record<string, JsonObject>>
}

/** A desired state that was read, or the object that a desired file holds. */
export type DesiredInput = Desired | DesiredFile

const NO_RESOURCE = 'is not an object; to have it removed, write {"ensure":"absent"}'

/** Which desired states were checked, and for which plugins. */
const checked = new WeakMap<object, readonly StatePlugin[]>()

/**
 * The desired state in the text of a file; `file` names it in messages.
 * @throws OpDbusError INVALID_INPUT, a line `file:line:column path: message` for each problem
 */
export function readDesired(text: string | Uint8Array, file: string, plugins: readonly StatePlugin[]): Desired {
  const source = readJson(text, file)
  return check(source.value, plugins, source)
}

/**
 * The desired state in an object of the file's shape. A `Desired` that was checked for these plugins passes as it is.
 * @throws OpDbusError INVALID_INPUT, a line `path: message` for each problem
 */
export function checkDesired(value: unknown, plugins: readonly StatePlugin[]): Desired {
  const before = typeof value === 'object' && value !== null ? checked.get(value) : undefined
  if (!before) return check(value, plugins)
  const desired = value as Desired
  const same = before.length === plugins.length && before.every((plugin, index) => plugin === plugins[index])
  return same ? desired : check(desiredFile(desired), plugins)
}

/** `desired` in the shape of a file, which {@link checkDesired} takes: for what comes out of a plan's file. */
export function desiredFile({ version, plugins }: Desired): DesiredFile {
  const states = Object.entries(plugins).map(([name, { prune, state }]) => [name, prune ? { prune, ...state } : state])
  return { version, plugins: Object.fromEntries(states) }
}

function check(value: unknown, plugins: readonly StatePlugin[], source?: JsonDocument): Desired {
  const problems = new Problems()
  const fault = (path: string, message: string) => {
    problems.add(path, message)
    return null
  }
  const plain = plainJson(value, { fault, unsafe: 'fault' })
  problems.throwIfAny(source)
  const desired = new Reading(plugins, problems).of(plain)
  problems.throwIfAny(source)
  checked.set(deepFreeze(desired as unknown as JsonObject), [...plugins])
  return desired
}

class Reading {
  readonly #plugins: readonly StatePlugin[]
  readonly #problems: Problems

  constructor(plugins: readonly StatePlugin[], problems: Problems) {
    this.#plugins = plugins
    this.#problems = problems
  }

  /** What is answered is worth something where no problem was found. */
  of(file: JsonValue): Desired {
    const plugins: Record<string, DesiredPlugin> = {}
    if (!isObject(file)) {
      this.#wrong('', 'a desired state is an object: {"version":1,"plugins":{...}}')
      return { version: 1, plugins }
    }
    for (const name of Object.keys(file)) {
      if (name !== 'version' && name !== 'plugins') this.#unknown(step(name), name, 'member', ['version', 'plugins'])
    }
    const { version = 1, plugins: states } = file
    if (version !== 1) this.#wrong('/version', `is ${JSON.stringify(version)}, and this op-dbus reads version 1`)
    if (!isObject(states)) {
      this.#wrong('/plugins', states === undefined ? 'is missing' : 'is not an object')
      return { version: 1, plugins }
    }
    for (const [name, state] of Object.entries(states)) {
      const plugin = this.#plugins.find(one => one.name === name)
      const path = `/plugins${step(name)}`
      const known = this.#plugins.map(one => one.name)
      if (!plugin) this.#unknown(path, name, 'plugin', known)
      else if (!isObject(state)) this.#wrong(path, 'is not an object')
      else plugins[name] = this.#plugin(plugin, state, path)
    }
    return { version: 1, plugins }
  }

  #plugin(plugin: StatePlugin, { prune = false, ...collections }: JsonObject, path: string): DesiredPlugin {
    const before = this.#problems.total
    if (typeof prune !== 'boolean') this.#wrong(`${path}/prune`, 'is neither true nor false')
    else if (prune && !plugin.prunes) this.#wrong(`${path}/prune`, `plugin ${plugin.name} removes nothing by itself`)
    for (const [name, collection] of Object.entries(collections)) {
      const rule = ruleOf(plugin, name)
      const at = path + step(name)
      if (!rule) this.#unknown(at, name, `part of ${plugin.name}`, Object.keys(plugin.resources))
      else this.#collection(rule, collection, at)
    }
    if (this.#problems.total === before) this.#ask(plugin, collections, path)
    const state = this.#problems.total === before ? ordered(plugin, collections) : {}
    // By itself, since it is what is compared: what was frozen as a whole is not walked again.
    return deepFreeze({ prune: prune === true, state })
  }

  #collection(rule: ResourceRule, collection: JsonValue, path: string): void {
    checkCollection(rule, collection, path, this.#wrong, NO_RESOURCE)
    for (const [name, resource] of resourcesIn(rule, collection)) {
      const at = path + name
      const { ensure = 'present', prune = false } = resource
      if (ensure !== 'present' && ensure !== 'absent') this.#wrong(`${at}/ensure`, 'is neither "present" nor "absent"')
      if (typeof prune !== 'boolean') this.#wrong(`${at}/prune`, 'is neither true nor false')
      else if (prune && !rule.sets?.length)
        this.#wrong(`${at}/prune`, 'has nothing to remove: none of its lists is a set')
    }
  }

  /** What the plugin itself has to say: it is shown the words of ours as well, since what is to be absent is judged otherwise. */
  #ask(plugin: StatePlugin, collections: JsonObject, path: string): void {
    if (!plugin.check) return
    try {
      for (const problem of plugin.check(deepFreeze(collections))) this.#wrong(path + problem.path, problem.message)
    } catch (cause) {
      const message = `plugin ${plugin.name} failed when it checked what is desired: ${messageOf(cause)}`
      throw new OpDbusError('PLUGIN_FAILED', message, { cause, details: { plugin: plugin.name } })
    }
  }

  #unknown(path: string, name: string, what: string, known: readonly string[]): void {
    const meant = nearest(name, known)
    const hint = meant === undefined ? `known are ${known.join(', ') || 'none'}` : `did you mean ${meant}?`
    this.#wrong(path, `is no ${what}; ${hint}`)
  }

  readonly #wrong = (path: string, message: string): void => this.#problems.add(path, message)
}

function ruleOf(plugin: StatePlugin, name: string): ResourceRule | undefined {
  return Object.hasOwn(plugin.resources, name) ? plugin.resources[name] : undefined
}

/** The resources of a collection as it is written, each with its path from there on. What is none is left out. */
function resourcesIn(rule: ResourceRule, collection: JsonValue): [path: string, resource: JsonObject][] {
  if (kindOf(rule) === 'single') return isObject(collection) ? [['', collection]] : []
  if (typeof collection !== 'object' || collection === null) return []
  return Object.entries(collection).flatMap(([name, one]) => (isObject(one) ? [[step(name), one]] : []))
}

/** In the order of states, so that two files that say the same are one desired state. */
function ordered(plugin: StatePlugin, collections: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(collections).map(([name, one]) => [name, inOrder(ruleOf(plugin, name)!, one)]),
  )
}
