// Which plugins there are, and in which order: those of op-dbus, then modules of the configuration, then the caller's. Asks no system.
import { isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import { nearest } from '../nearest.js'
import type { Hash } from '../ports.js'
import type { PluginModule, PluginTools, StatePlugin } from './plugin.js'
import type { PluginCalls } from './plugin-calls.js'

export interface RegistryParts {
  /** Throws INVALID_INPUT for an option of theirs. */
  readonly builtin: () => readonly StatePlugin[]
  /** Paths of modules, or names of packages. */
  readonly modules: readonly string[]
  /** What the module exports; rejects where it cannot be loaded. */
  readonly load: (module: string) => Promise<Readonly<Record<string, unknown>>>
  readonly own: readonly StatePlugin[]
  readonly tools: PluginTools
  readonly calls: PluginCalls
  readonly hash: Hash
}

/** A plugin, and what its answers are kept under. */
export interface Registered {
  readonly plugin: StatePlugin
  /** `net@1:unix:/run/db.sock`: another version or another system never answers from what this one cached. */
  readonly key: string
}

/** What says whose a diff or a checkpoint is: of another version or another system, it is nobody's. */
export interface PluginIdentity {
  readonly plugin: string
  readonly version: string
  readonly scope?: string
}

export function identityOf({ name, version, scope }: StatePlugin): PluginIdentity {
  return { plugin: name, version, ...(scope !== undefined && { scope }) }
}

/** Why what was made of `kept` is not for the plugin as it is now; undefined where it is. */
export function strangerTo(kept: PluginIdentity, registered: Registered | undefined): string | undefined {
  const { plugin, version, scope } = kept
  if (registered === undefined) return `is of plugin "${plugin}", and there is no such plugin now`
  const now = registered.plugin
  if (now.version !== version) return `is of plugin "${plugin}" version ${version}, which is version ${now.version} now`
  if (now.scope === scope) return undefined
  return `is of plugin "${plugin}" at ${scope ?? 'no place'}, which is at ${now.scope ?? 'no place'} now`
}

const NAME = /^[a-z][A-Za-z0-9_-]{0,49}$/
const LONGEST_PART = 400

export class Registry {
  readonly #parts: RegistryParts
  #all: readonly Registered[] | undefined
  #loading: Promise<readonly Registered[]> | undefined

  constructor(parts: RegistryParts) {
    this.#parts = parts
  }

  /** All plugins, if they have been loaded. */
  get loaded(): readonly Registered[] | undefined {
    return this.#all
  }

  /** @throws OpDbusError INVALID_INPUT for a module or an object that is no plugin */
  async all(): Promise<readonly Registered[]> {
    if (this.#all !== undefined) return this.#all
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** These, or all, in the registry's order. @throws OpDbusError INVALID_INPUT also for a name that there is not */
  async find(names: readonly string[] | undefined): Promise<readonly Registered[]> {
    return choose(await this.all(), names)
  }

  async #load(): Promise<readonly Registered[]> {
    const { builtin, modules, own, hash } = this.#parts
    const found = new Map<string, { plugin: StatePlugin; from: string }>()
    const add = (plugin: unknown, from: string, where: string) => {
      const fault = faultOf(plugin)
      if (fault !== undefined) throw invalid(`${from} is no plugin: ${fault}`, where)
      const checked = plugin as StatePlugin
      const other = found.get(checked.name)
      if (other) throw invalid(`${from}: the name "${checked.name}" is taken by ${other.from}`, where)
      found.set(checked.name, { plugin: checked, from })
    }
    const remove = 'correct it, or take it out of OPDBUS_PLUGINS or pluginModules'
    for (const plugin of builtin()) add(plugin, 'op-dbus itself', 'report this')
    for (const module of modules) add(await this.#fromModule(module, remove), `the plugin module ${module}`, remove)
    for (const [index, plugin] of own.entries()) add(plugin, `plugins[${index}]`, 'correct it')
    this.#all = [...found.values()].map(({ plugin }) => ({ plugin, key: keyOf(plugin, hash) }))
    return this.#all
  }

  async #fromModule(module: string, next: string): Promise<unknown> {
    const { load, tools, calls } = this.#parts
    try {
      const made = (await load(module)).default as PluginModule | undefined
      if (typeof made !== 'function') return made
      return await calls.call({ name: module }, 'load', () => made(tools))
    } catch (error) {
      if (isOpDbusError(error, 'INVALID_INPUT')) throw error
      throw new OpDbusError('INVALID_INPUT', `cannot load the plugin module ${module}: ${messageOf(error)}\n${next}`, {
        cause: error,
        details: { module },
      })
    }
  }
}

/** @throws OpDbusError INVALID_INPUT for a name that there is not */
export function choose(all: readonly Registered[], names: readonly string[] | undefined): readonly Registered[] {
  if (names === undefined) return all
  if (!Array.isArray(names)) throw new OpDbusError('INVALID_INPUT', 'plugins are named by a list of texts')
  for (const name of names) {
    if (all.some(({ plugin }) => plugin.name === name)) continue
    const known = all.map(({ plugin }) => plugin.name)
    const close = typeof name === 'string' ? nearest(name, known) : undefined
    const instead = close === undefined ? `there are: ${known.join(', ')}` : `did you mean "${close}"?`
    throw new OpDbusError('INVALID_INPUT', `no plugin is called "${String(name)}"; ${instead}`, { details: { known } })
  }
  return all.filter(({ plugin }) => names.includes(plugin.name))
}

/**
 * The same wherever a plugin was loaded from, so that what one program changes is known to be old by all; also by those that ask from
 * elsewhere, whose answers are others (what stands behind the tab is the query cache's for that).
 */
function keyOf({ name, version, scope, vantage }: StatePlugin, hash: Hash): string {
  const short = (text: string) => (text.length > LONGEST_PART || text.includes('\t') ? hash.sha256(text) : text)
  const asked = scope === undefined ? '' : `:${short(scope)}`
  const from = vantage === undefined ? '' : `\t${short(vantage)}`
  return `${name}@${version}${asked}${from}`
}

const OPTIONAL = [
  'unavailable',
  'initial',
  'check',
  'refuses',
  'prunes',
  'takes',
  'apply',
  'checkpoint',
  'rollback',
  'watch',
  'close',
] as const
const CAPABILITIES = ['apply', 'atomic', 'rollback', 'watch'] as const

/** What is wrong in what should be a plugin; undefined: nothing. */
function faultOf(plugin: unknown): string | undefined {
  if (typeof plugin !== 'object' || plugin === null)
    return 'its default export is neither a plugin nor a function that makes one'
  const { name, version, scope, vantage, resources, capabilities, affects, query } = plugin as Partial<StatePlugin>
  if (typeof name !== 'string' || !NAME.test(name)) {
    return 'its name must be a lower-case letter, then letters, digits, "_" and "-", 50 characters at most'
  }
  if (typeof version !== 'string' || version === '' || version.length > 100)
    return 'its version must be a text of 1 to 100 characters'
  if (scope !== undefined && typeof scope !== 'string') return 'its scope must be a text'
  if (vantage !== undefined && typeof vantage !== 'string') return 'its vantage must be a text'
  if (typeof resources !== 'object' || resources === null) return 'it does not say how its state is made of resources'
  if (Object.hasOwn(resources, 'prune')) return 'it has a collection "prune", which is a word of desired files'
  if (affects !== undefined && !Array.isArray(affects)) return 'its "affects" is no list of names of plugins'
  if (typeof query !== 'function') return 'it has no function "query"'
  const strange = OPTIONAL.find(one => !['undefined', 'function'].includes(typeof (plugin as StatePlugin)[one]))
  if (strange) return `its "${strange}" is no function`
  const unsaid = CAPABILITIES.find(one => typeof capabilities?.[one] !== 'boolean')
  if (unsaid) return `its capabilities do not say "${unsaid}" as true or false`
  const missing = (['apply', 'watch'] as const).find(one => capabilities?.[one] && !(plugin as StatePlugin)[one])
  return missing && `its capabilities promise "${missing}", and it has no such function`
}

function invalid(message: string, next: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `${message}\n${next}`)
}
