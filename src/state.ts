// Composition root for the state of a system, on Node: plugins, their manager, and the caches that keep what they answer. Opens no
// connection and runs no program: that is for the first question.
import { setTimeout as sleep } from 'node:timers/promises'
import { timer } from './cache/within.js'
import { readStateConfig, type StateConfig } from './config.js'
import { OpDbusError } from './errors.js'
import { AppliesChain } from './node/applies-chain.js'
import { cachesFor } from './node/given-caches.js'
import type { OpenOptions } from './node/options.js'
import { nodeClock, nodeHash, timer as quietTimer } from './node/runtime.js'
import { splitOptions } from './node/split-options.js'
import { dataDirOf, loadPluginModule, machineDigest } from './node/state-options.js'
import type { Caches } from './public.js'
import type { StateSettings } from './settings.js'
import { DataFolder } from './state/data-folder.js'
import { StateManager } from './state/manager.js'
import type { PluginTools, StatePlugin } from './state/plugin.js'
import { PluginCalls } from './state/plugin-calls.js'
import { lxcPlugin } from './state/plugins/lxc.js'
import { netPlugin } from './state/plugins/net.js'
import { systemdPlugin } from './state/plugins/systemd.js'
import { Registry } from './state/registry.js'

export { ERROR_CODES, type ErrorCode, isOpDbusError, OpDbusError } from './errors.js'
export type { JsonObject, JsonValue } from './json/json.js'
export type { OpenOptions } from './node/options.js'
export type { CallOptions, Clock, Source, Warn } from './ports.js'
export type { Caches } from './public.js'
export type { StateSettings } from './settings.js'
export type { DesiredFile, DesiredInput } from './state/desired.js'
export { jsonPatch, type Operation } from './state/json-patch.js'
export type { InitialState, StateManager as State } from './state/manager.js'
export { planText } from './state/plan-text.js'
export type {
  ApplyCall,
  Change,
  Outcome,
  PluginCall,
  PluginCapabilities,
  PluginModule,
  PluginTools,
  Problem,
  ResourceName,
  ResourceRule,
  RunOptions,
  RunResult,
  StateAction,
  StatePlugin,
  Watch,
  Watcher,
} from './state/plugin.js'
export type {
  ApplyOptions,
  ApplyReport,
  CachedAnswer,
  CheckpointInfo,
  Desired,
  DesiredPlugin,
  DiffCall,
  DiffReport,
  Plan,
  PluginDiff,
  PluginInfo,
  PluginTrouble,
  QueryReport,
  ResourceOutcome,
  StateQuery,
  WatchEvent,
} from './state/reports.js'

export interface StateOptions extends OpenOptions, StateSettings {
  /**
   * Caches that are open already, instead of options for them (`onWarning` is one of those). They stay open when the state is closed. Their
   * `on` tells what happens in the state as well.
   */
  readonly caches?: Caches | undefined
  /** Plugins of your own, behind those of `pluginModules`. They are closed with the state. */
  readonly plugins?: readonly StatePlugin[] | undefined
}

/**
 * Opens what asks and changes the state of this machine. Touches no system and no file yet. Close it when done; a process that does not
 * still ends.
 * @throws OpDbusError INVALID_INPUT for an option that is not what its type says
 */
export async function openState(options: StateOptions = {}): Promise<StateManager> {
  const { caches: given, plugins = [], ...settings } = options
  const { own, ofCaches } = splitOptions('state', settings, ['caches', 'plugins'])
  const early: string[] = []
  const config = readStateConfig(own, process.env, message => early.push(message))
  if (!Array.isArray(plugins)) throw new OpDbusError('INVALID_INPUT', 'plugins must be a list of plugins')
  const { caches, release } = await cachesFor(given, ofCaches)
  const { diagnostics } = caches
  const { warn } = diagnostics
  for (const message of early) warn(message)
  const clock = nodeClock()
  const remembered = config.blockchain !== false && config.blockchain !== 'off'
  const chain = new AppliesChain({ dataDir: config.dataDir, caches }, config.blockchain !== 'names')
  const calls = new PluginCalls(timer, 1000 * config.pluginTimeout, diagnostics)
  const tools: PluginTools = {
    clock,
    env: process.env,
    warn,
    run: async (...call) => (await import('./state/plugins/run.js')).runIn(process.env)(...call),
  }
  return new StateManager({
    registry: new Registry({
      builtin: () => builtinPlugins(tools, config),
      modules: config.pluginModules ?? [],
      load: loadPluginModule,
      own: plugins,
      tools,
      calls,
      hash: nodeHash,
    }),
    calls,
    queries: caches.queries,
    diffs: caches.diffs,
    folder: new DataFolder(dataDirOf(config), {
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      monotonic: () => clock.monotonic(),
      id: () => nodeHash.random(4),
    }),
    clock,
    hash: nodeHash,
    machine: machineDigest(),
    diagnostics,
    timer,
    quietTimer,
    push: { on: config.queryPush, ttlMs: 1000 * config.queryPushTtl },
    memory: remembered ? chain : undefined,
    release: async () => {
      await chain.close()
      await release()
    },
  })
}

/** In the order in which they are asked and applied. */
function builtinPlugins(tools: PluginTools, { ovsdb, systemdBus, lxcPath }: StateConfig): StatePlugin[] {
  return [
    netPlugin(tools, { ...(ovsdb !== undefined && { ovsdb }) }),
    lxcPlugin(tools, { ...(lxcPath !== undefined && { path: lxcPath }) }),
    systemdPlugin(tools, { ...(systemdBus !== undefined && { bus: systemdBus }) }),
  ]
}
