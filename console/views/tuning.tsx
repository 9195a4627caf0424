// How large caches should be and what they should give up; what the tuner changed, what is fetched ahead, what was warm, what is recorded.
import { useLoaded } from '../use-loaded.js'
import { Failed, Loading } from './parts.js'
import type { ScreenProps } from './screen.js'
import { AdvicePanel } from './tuning-advice.js'
import { AheadPanel } from './tuning-ahead.js'
import { TunerPanel } from './tuning-auto.js'
import { TracePanel } from './tuning-trace.js'
import { WarmPanel } from './tuning-warm.js'

export function TuningScreen({ session, theme }: ScreenProps) {
  const load = (signal: AbortSignal) => session.client.get('api/tuning', { signal })
  const { value, failure, reload } = useLoaded(session, load, [], { also: session.tuned })
  if (value === undefined) {
    return failure ? <Failed what="Tuning" failure={failure} onRetry={reload} /> : <Loading what="advice" rows={16} />
  }
  const { advice, state } = value
  return (
    <>
      {failure && <Failed what="Tuning" failure={failure} onRetry={reload} />}
      <AdvicePanel advice={advice} recording={state.trace?.on ?? false} theme={theme} />
      <TunerPanel state={state} stats={session.stats.value} />
      <AheadPanel predictors={state.predictors} />
      <div class="pair">
        <WarmPanel warm={state.warm} />
        <TracePanel session={session} trace={state.trace} onChange={reload} />
      </div>
    </>
  )
}
