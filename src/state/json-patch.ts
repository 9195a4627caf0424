// Diffs as one JSON patch (RFC 6902) of what `op-dbus query` prints. Pure.
import type { JsonObject, JsonValue } from './json.js'
import type { StatePlugin } from './plugin.js'
import type { PluginDiff } from './reports.js'

/** An operation of RFC 6902, of the kinds that are used here. */
export type Operation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string }

/** What turns `current` into a document that differs from what is desired no more. */
export function jsonPatch(
  _current: { readonly plugins: Readonly<Record<string, JsonObject>> },
  _diffs: readonly PluginDiff[],
  _plugins: readonly Pick<StatePlugin, 'name' | 'resources'>[],
): Operation[] {
  throw new Error('being written')
}
