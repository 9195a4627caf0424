// Diffs as one JSON patch (RFC 6902) of what `op-dbus query` prints. Pure.
import type { JsonObject, JsonValue } from '../json/json.js'
import { memberOf } from '../json/plain.js'
import { step } from '../json/pointer.js'
import type { Change, ResourceName, ResourceRule, StateAction, StatePlugin } from './plugin.js'
import type { PluginDiff } from './reports.js'
import { findResource, keysOf, kindOf, nameOf } from './resources.js'

/** An operation of RFC 6902, of the kinds that are used here. */
export type Operation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string }

/**
 * What turns `current` into a document that differs from what is desired no more, refused actions included. First everything that is to be
 * changed or removed is tested, so that a document that moved is left alone.
 */
export function jsonPatch(
  current: { readonly plugins: Readonly<Record<string, JsonObject>> },
  diffs: readonly PluginDiff[],
  plugins: readonly Pick<StatePlugin, 'name' | 'resources'>[],
): Operation[] {
  const patch = new Patch()
  for (const { plugin: name, actions } of diffs) {
    const plugin = plugins.find(one => one.name === name)
    const state = memberOf(current.plugins, name) as JsonObject | undefined
    if (plugin && state) patch.addAll(plugin, state, actions)
  }
  return patch.operations()
}

class Patch {
  readonly #tests: Operation[] = []
  readonly #changes: Operation[] = []
  /** From the last element of a list on: what is taken out moves what stands behind it. */
  readonly #removals: { readonly path: string; readonly index: number }[] = []
  readonly #additions: Operation[] = []

  operations(): Operation[] {
    const removals = this.#removals.sort((one, other) => other.index - one.index)
    return [
      ...this.#tests,
      ...this.#changes,
      ...removals.map(({ path }): Operation => ({ op: 'remove', path })),
      ...this.#additions,
    ]
  }

  addAll(plugin: Pick<StatePlugin, 'name' | 'resources'>, state: JsonObject, actions: readonly StateAction[]): void {
    const made = new Set<string>()
    const places = new Map<string, ReadonlyMap<string, number>>()
    const place = ({ collection, name }: ResourceName) => {
      const rule = plugin.resources[collection]!
      if (!places.has(collection)) places.set(collection, indicesOf(rule, memberOf(state, collection)))
      const index = places.get(collection)!.get(name) ?? 0
      const last = kindOf(rule) === 'list' ? step(index) : newStep(rule, name)
      return { index, path: `/plugins${step(plugin.name)}${step(collection)}${last}` }
    }
    for (const action of actions) {
      if (action.kind === 'none') continue
      const { collection, name } = action.resource
      const rule = plugin.resources[collection]!
      const path = `/plugins${step(plugin.name)}${step(collection)}`
      if (action.kind === 'create') {
        if (memberOf(state, collection) === undefined && !made.has(collection)) this.#begin(rule, path)
        made.add(collection)
        this.#additions.push({ op: 'add', path: path + newStep(rule, name), value: action.new })
        continue
      }
      if (action.kind === 'delete') {
        for (const { resource, old } of [action, ...(action.with ?? [])]) {
          const gone = place(resource)
          this.#tests.push({ op: 'test', path: gone.path, value: old })
          this.#removals.push(gone)
        }
      } else {
        const at = place(action.resource).path
        this.#name(rule, at, findResource(plugin, state, action.resource)!)
        for (const change of action.changes) this.#change(at, change)
      }
    }
  }

  /** The collection itself, where there is none yet; a single resource is one by itself. */
  #begin(rule: ResourceRule, path: string): void {
    if (kindOf(rule) !== 'single') this.#additions.push({ op: 'add', path, value: kindOf(rule) === 'list' ? [] : {} })
  }

  /** That the element at this index is still the one that is meant. */
  #name(rule: ResourceRule, at: string, resource: JsonObject): void {
    for (const key of keysOf(rule)) this.#tests.push({ op: 'test', path: at + step(key), value: resource[key]! })
  }

  #change(at: string, { path, old, new: value }: Change): void {
    if (old !== undefined) this.#tests.push({ op: 'test', path: at + path, value: old })
    if (value === undefined) this.#changes.push({ op: 'remove', path: at + path })
    else this.#changes.push({ op: old === undefined ? 'add' : 'replace', path: at + path, value })
  }
}

function newStep(rule: ResourceRule, name: string): string {
  if (kindOf(rule) === 'single') return ''
  return kindOf(rule) === 'list' ? '/-' : step(name)
}

/** Where each element of a list stands. */
function indicesOf(rule: ResourceRule, collection: JsonValue | undefined): ReadonlyMap<string, number> {
  if (kindOf(rule) !== 'list' || !Array.isArray(collection)) return new Map()
  return new Map(collection.map((element, index) => [nameOf(rule, element as JsonObject) ?? '', index]))
}
