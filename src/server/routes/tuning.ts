// `/api/tuning`: the advice of `op-dbus cache tune`, what tuning did in this process, and the switch of what is recorded.
import { setTimeout as delay } from 'node:timers/promises'
import { invalid, OpDbusError } from '../../errors.js'
import { guarded } from '../../fs/errno.js'
import type { NoAdvice } from '../../tuning/report.js'
import { Advisor } from '../advice.js'
import type { TraceCall, TraceState, TuningReport } from '../api.js'
import type { Routes, ServerContext } from '../context.js'
import { AS_JSON, described } from '../schemas.js'

const NOWHERE: NoAdvice = {
  available: false,
  reason: 'Nothing is kept on disk, and so no trace: start the daemon with a cache folder (OPDBUS_CACHE_DIR).',
}
/** A process looks at the switch once a second. Who turned it is answered when this one has, or after so many looks of ours. */
const LOOK_MS = 50
const MOST_LOOKS = 80
/** Ten years. */
const MOST_SECONDS = 10 * 366 * 86_400

export const tuningRoutes: Routes = (app, context) => {
  const { caches, clock } = context
  const { dir } = caches
  const closing = new AbortController()
  app.addHook('onClose', async () => closing.abort())
  const advisor = new Advisor({
    advise: async () => {
      if (dir === undefined) return NOWHERE
      const { adviseFrom } = await import('../../node/tuning/advice.js')
      return adviseFrom(dir, { signal: closing.signal })
    },
    now: () => clock.monotonic(),
    wait: ms => delay(ms, undefined, { ref: false }),
  })
  app.get(
    '/api/tuning',
    {
      ...AS_JSON,
      config: { access: 'read' },
      schema: described('Advice on sizes, and what tuning did', { answer: 'TuningReport' }),
    },
    // Caches that were opened on Node always tell.
    async (): Promise<TuningReport> => ({ advice: await advisor.advice(), state: caches.tuning()! }),
  )
  app.post<{ Body: TraceCall }>(
    '/api/tuning/trace',
    {
      ...AS_JSON,
      config: { access: 'write' },
      schema: described('Begins or ends the recording of requests', { body: 'TraceCall', answer: 'TraceState' }),
    },
    async ({ body }) => {
      const state = await turnTrace(context, body)
      advisor.forget()
      return state
    },
  )
}

async function turnTrace({ caches, clock }: ServerContext, { on, seconds }: TraceCall): Promise<TraceState> {
  if (typeof on !== 'boolean') throw invalid('on is true or false')
  if (seconds !== undefined && !(on && seconds > 0 && seconds <= MOST_SECONDS)) {
    throw invalid(`seconds is how long to record: with on, above 0 and at most ${MOST_SECONDS}`)
  }
  const { dir } = caches
  if (dir === undefined) throw invalid(NOWHERE.reason)
  const { DEFAULT_TRACE_BYTES, lookAtSwitch, switchOff, switchOn } = await import('../../node/tuning/trace-folder.js')
  const state = () => caches.tuning()!.trace!
  guarded(dir, () => {
    if (!on) switchOff(dir)
    else if (seconds !== undefined || !state().on) {
      const until = seconds === undefined ? {} : { until: clock.now() + 1000 * seconds }
      switchOn(dir, { rate: 1, maxBytes: DEFAULT_TRACE_BYTES, ...until })
    }
  })
  for (let looks = 0; looks < MOST_LOOKS && state().on !== on; looks++) await delay(LOOK_MS)
  const now = state()
  if (now.on === on) return now
  const found = lookAtSwitch(dir)
  const why = typeof found === 'string' ? found : 'this process did not follow the switch; its log may say why'
  throw new OpDbusError('STORE', `recording was not switched ${on ? 'on' : 'off'}: ${why}`)
}
