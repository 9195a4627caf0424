// A change on its way: the desired state that somebody wrote, what differs, the plan, what became of it. Lies in the page alone, and outlives
// a look at another screen. Draws nothing.
import { batch, effect, signal } from '@preact/signals'
import type { ApplyReport, DiffReport, PlanReport } from '../src/server/api.js'
import { outcomesText, summaryOf } from '../src/state/diff-words.js'
import { Asked } from './asked.js'
import { desiredProblem } from './diff-rows.js'
import type { Session } from './state.js'

/** A plan asks the system, and an apply waits for it: both may take as long as the system does. */
const LONG_MS = 600_000

/** What one plugin had done when it was through. */
export interface Step {
  readonly plugin: string
  readonly outcomes: Readonly<Record<string, number>>
}

export class Changing {
  readonly text = signal('')
  /** Of these plugins alone; empty: of all that the text names. Names with commas or blanks between. */
  readonly only = signal('')
  readonly fresh = signal(false)
  /** Why nothing was asked. */
  readonly problem = signal('')
  readonly diff = new Asked<DiffReport>()
  readonly plan = new Asked<PlanReport>()
  readonly report = new Asked<ApplyReport>()
  /** The plan is shown before it is carried out, and its question is open. */
  readonly asking = signal(false)
  /** Plugins that are through while an apply is under way. */
  readonly steps = signal<readonly Step[]>([])
  /** What was compared or planned is of this text. */
  readonly of = signal<string | undefined>(undefined)
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
    effect(() => {
      const applied = session.applied.value
      if (applied && this.report.busy.peek()) this.steps.value = [...this.steps.peek(), applied]
    })
  }

  async compare(): Promise<void> {
    const desired = this.#desired()
    if (desired === undefined) return
    this.plan.forget()
    const fresh = this.fresh.peek()
    const { client } = this.#session
    const report = await this.diff.ask(signal =>
      client.post('api/diff', { ...desired, ...(fresh && { fresh }) }, { signal, ms: LONG_MS }),
    )
    if (report) this.#session.say(report.same ? 'Nothing differs.' : summaryOf(report.diffs, report.trouble))
  }

  async makePlan(): Promise<void> {
    const desired = this.#desired()
    if (desired === undefined) return
    await this.#planned(signal => this.#session.client.post('api/plan', desired, { signal, ms: LONG_MS }))
  }

  /** A plan that leads back to a checkpoint; nothing is done yet. */
  async planBack(id: string): Promise<void> {
    await this.#planned(signal => this.#session.client.post('api/rollback', { id }, { signal, ms: LONG_MS }))
  }

  /** Asks before: the view shows the question once `asking` is true. */
  async ask(): Promise<void> {
    if (await this.#session.withWrite()) this.asking.value = true
  }

  async apply(): Promise<void> {
    const plan = this.plan.value.peek()?.plan
    if (!plan || this.report.busy.peek()) return
    batch(() => {
      this.asking.value = false
      this.steps.value = []
      this.report.forget()
    })
    const report = await this.report.ask(signal =>
      this.#session.client.post('api/apply', { plan }, { signal, ms: LONG_MS }),
    )
    if (report) {
      this.#session.say(outcomesText(report))
      // It was carried out; another press would only find that the system has moved.
      this.plan.forget()
      this.diff.forget()
    }
    this.#session.reload()
  }

  discard(): void {
    this.plan.forget()
    this.asking.value = false
  }

  async #planned(call: (signal: AbortSignal) => Promise<PlanReport>): Promise<void> {
    batch(() => {
      // A plan says what a comparison said, of newer state.
      this.diff.forget()
      this.report.forget()
    })
    const report = await this.plan.ask(call)
    if (report) this.#session.say(`Planned: ${summaryOf(report.plan.diffs, report.plan.trouble)}`)
  }

  #desired(): { desired: string; plugins?: string[] } | undefined {
    const desired = this.text.peek()
    const plugins = this.only
      .peek()
      .split(/[\s,]+/)
      .filter(name => name !== '')
    this.problem.value = desiredProblem(desired) ?? ''
    if (this.problem.peek() !== '') return undefined
    this.of.value = desired
    return { desired, ...(plugins.length > 0 && { plugins }) }
  }
}

const changes = new WeakMap<Session, Changing>()

/** The one of this page. */
export function changingOf(session: Session): Changing {
  const known = changes.get(session) ?? new Changing(session)
  changes.set(session, known)
  return known
}
