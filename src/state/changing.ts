// What compares a system with what is desired, changes it, and leads back: loaded when the first such question comes, since most programs
// only ask what is. Each question is a few calls of the files beside it.
import type { DiffCache } from '../caches/diff-cache.js'
import type { Diagnostics } from '../diagnostics.js'
import type { Clock, Timer } from '../ports.js'
import { applyPlan } from './apply.js'
import { Checkpoints } from './checkpoints.js'
import type { DataFolder } from './data-folder.js'
import { type DesiredInput, readDesired } from './desired.js'
import type { RememberParts } from './footprints.js'
import { checkpointGoals, Diffs } from './goals.js'
import { readPlan } from './plan-file.js'
import { Comparing, goalsOf, goalsOfPlan } from './planning.js'
import type { PluginCalls } from './plugin-calls.js'
import { type Registry, strangerTo } from './registry.js'
import type {
  ApplyOptions,
  ApplyReport,
  CheckpointInfo,
  Desired,
  DiffCall,
  DiffReport,
  Plan,
  PluginTrouble,
} from './reports.js'
import type { States } from './states.js'

export interface ChangingParts extends Omit<RememberParts, 'warn'> {
  readonly registry: Registry
  readonly calls: PluginCalls
  readonly diffs: DiffCache
  readonly folder: DataFolder
  readonly clock: Clock
  /** Does not keep the process alive. */
  readonly quietTimer: Timer
  /** A digest of the machine's id; undefined where it has none. */
  readonly machine: string | undefined
  /** Those of the caches. */
  readonly diagnostics: Diagnostics
}

export class Changing {
  readonly #parts: ChangingParts
  readonly #states: States
  readonly #comparing: Comparing
  readonly #checkpoints: Checkpoints

  constructor(parts: ChangingParts, states: States) {
    this.#parts = parts
    this.#states = states
    this.#comparing = new Comparing(states, new Diffs(parts), parts)
    this.#checkpoints = new Checkpoints(parts)
  }

  async readDesired(text: string | Uint8Array, file: string): Promise<Desired> {
    const all = await this.#parts.registry.all()
    return readDesired(
      text,
      file,
      all.map(({ plugin }) => plugin),
    )
  }

  async readPlan(text: string | Uint8Array, file: string): Promise<Plan> {
    return readPlan(text, file)
  }

  async diff(desired: DesiredInput, { plugins, fresh, signal }: DiffCall): Promise<DiffReport> {
    const { goals } = goalsOf(desired, await this.#parts.registry.all(), plugins)
    return this.#comparing.compare(goals, { fresh, signal })
  }

  async plan(desired: DesiredInput, { plugins, signal }: DiffCall): Promise<Plan> {
    const { desired: checked, goals } = goalsOf(desired, await this.#parts.registry.all(), plugins)
    return this.#comparing.plan({ desired: checked }, await this.#comparing.compare(goals, { fresh: true, signal }))
  }

  async apply(plan: Plan, options: ApplyOptions): Promise<ApplyReport> {
    const all = await this.#parts.registry.all()
    const goals = await goalsOfPlan(plan, all, this.#parts.machine, id => this.#checkpoints.find(id))
    const parts = { ...this.#parts, states: this.#states, checkpoints: this.#checkpoints, all }
    return applyPlan(plan, goals, parts, options)
  }

  async checkpoints(): Promise<readonly CheckpointInfo[]> {
    return this.#checkpoints.list()
  }

  async planRollback(id: string | undefined, signal: AbortSignal | undefined): Promise<Plan> {
    const all = await this.#parts.registry.all()
    const checkpoint = await this.#checkpoints.find(id)
    const goals = checkpointGoals(checkpoint, all)
    const report = await this.#comparing.compare(goals, { fresh: true, signal })
    const trouble: Record<string, PluginTrouble> = { ...report.trouble }
    for (const kept of checkpoint.plugins) {
      const why = strangerTo(
        kept,
        all.find(({ plugin }) => plugin.name === kept.plugin),
      )
      if (why !== undefined) trouble[kept.plugin] = { kind: 'failed', message: `the checkpoint ${why}` }
    }
    return this.#comparing.plan({ checkpoint: checkpoint.id }, { ...report, trouble })
  }
}
