// A manager of plugins whose clock and timers stand still until a test moves them, over caches in memory.
import { DiffCache } from '../../src/caches/diff-cache.js'
import { QueryCache } from '../../src/caches/query-cache.js'
import { Diagnostics } from '../../src/diagnostics.js'
import type { JsonObject } from '../../src/json/json.js'
import type { Timer } from '../../src/ports.js'
import { DataFolder } from '../../src/state/data-folder.js'
import type { Memory } from '../../src/state/footprints.js'
import { StateManager } from '../../src/state/manager.js'
import type { PluginTools, StatePlugin, Watcher } from '../../src/state/plugin.js'
import { PluginCalls } from '../../src/state/plugin-calls.js'
import { Registry } from '../../src/state/registry.js'
import { hash, TestClock } from '../support.js'

/** Timers that run when a test says so, in the order of their time. */
export class TestTimers {
  readonly #clock: TestClock
  #waiting: { at: number; run: () => void }[] = []

  constructor(clock: TestClock) {
    this.#clock = clock
  }

  readonly timer: Timer = (ms, run) => {
    const one = { at: this.#clock.monotonic() + ms, run }
    this.#waiting.push(one)
    return () => {
      this.#waiting = this.#waiting.filter(other => other !== one)
    }
  }

  /** How long until the next one, ms. */
  get next(): number | undefined {
    const [first] = this.#sorted()
    return first && first.at - this.#clock.monotonic()
  }

  /** Lets time pass, and what is due run, with turns of the event loop between. */
  async pass(ms: number): Promise<void> {
    const end = this.#clock.monotonic() + ms
    await turns()
    for (;;) {
      const [first] = this.#sorted()
      if (first === undefined || first.at > end) break
      this.#waiting = this.#waiting.filter(other => other !== first)
      this.#clock.advance(Math.max(0, first.at - this.#clock.monotonic()))
      first.run()
      await turns()
    }
    this.#clock.advance(end - this.#clock.monotonic())
    await turns()
  }

  #sorted() {
    return [...this.#waiting].sort((one, other) => one.at - other.at)
  }
}

/** What is to be done without the disk is done. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
}

export interface ManagedOptions {
  readonly dataDir?: string
  readonly push?: boolean
  readonly ttlMs?: number
  readonly timeoutMs?: number
  readonly machine?: string
  /** Where applies are remembered; default: nowhere. */
  readonly memory?: Memory
  /** Shared with another manager. */
  readonly queries?: QueryCache
}

export function manage(plugins: readonly StatePlugin[], options: ManagedOptions = {}) {
  const { dataDir, push = false, ttlMs = 5000, timeoutMs = 10_000 } = options
  const clock = new TestClock()
  const timers = new TestTimers(clock)
  const warnings: string[] = []
  const diagnostics = new Diagnostics({ onWarning: message => void warnings.push(message) })
  const { warn } = diagnostics
  const { timer } = timers
  const calls = new PluginCalls(timer, timeoutMs, diagnostics)
  const tools: PluginTools = { clock, env: {}, warn, run: () => Promise.reject(new Error('no programs')) }
  const memory = { ttlMs, capacityBytes: 1e8, clock, hash, clockResolutionMs: 0 }
  const queries = options.queries ?? new QueryCache({ ...memory, warn })
  const state = new StateManager({
    registry: new Registry({
      builtin: () => plugins,
      modules: [],
      load: () => Promise.reject(new Error('no modules')),
      own: [],
      tools,
      calls,
      hash,
    }),
    calls,
    queries,
    diffs: new DiffCache({ ...memory, capacity: 100 }),
    folder: new DataFolder(dataDir, {
      sleep: () => new Promise(resolve => setTimeout(resolve, 5)),
      monotonic: () => clock.monotonic(),
      id: () => hash.random(4),
    }),
    clock,
    hash,
    machine: options.machine,
    diagnostics,
    timer,
    quietTimer: timer,
    memory: options.memory,
    push: { on: push, ttlMs: 300_000 },
    release: async () => {},
  })
  return { state, queries, diagnostics, clock, timers, warnings }
}

/** A plugin over an object that the test changes; `asked` counts its queries. */
export function memoryPlugin(name: string, over: Partial<StatePlugin> = {}) {
  const system: { items: Record<string, JsonObject>; asked: number; watchers: Watcher[] } = {
    items: { one: { value: 1 }, two: { value: 2 } },
    asked: 0,
    watchers: [],
  }
  const plugin: StatePlugin = {
    name,
    version: '1',
    resources: { items: {} },
    capabilities: { apply: true, atomic: false, rollback: true, watch: over.watch !== undefined },
    async query() {
      system.asked++
      return { items: structuredClone(system.items) }
    },
    async apply(actions, { report }) {
      for (const action of actions) {
        const { name: item } = action.resource
        if (action.kind === 'create') system.items[item] = action.new
        if (action.kind === 'delete') delete system.items[item]
        if (action.kind === 'modify') {
          for (const { path, new: value } of action.changes) {
            system.items[item] = { ...system.items[item], [path.slice(1)]: value ?? null }
          }
        }
        report(action.resource, { status: 'done' })
      }
    },
    ...over,
  }
  return { plugin, system }
}

/** The plugin above, which tells its changes; `watches` are those that were begun, oldest first. */
export function tellingPlugin(name: string, begin: () => Promise<void> = async () => {}) {
  const watches: { watcher: Watcher; closed: boolean }[] = []
  const made = memoryPlugin(name, {
    async watch(watcher) {
      await begin()
      const watch = { watcher, closed: false }
      watches.push(watch)
      return {
        close: () => {
          watch.closed = true
        },
      }
    },
  })
  return { ...made, watches }
}

export const desired = (plugins: Record<string, JsonObject>) => ({ version: 1 as const, plugins })
