// What is recorded of requests, so that there is advice; switched on and off here.
import { bytes, count, plural } from '../../src/format.js'
import type { TraceState } from '../../src/server/api.js'
import { useAsked } from '../asked.js'
import { rateWords } from '../tuning-words.js'
import { Facts, Failed, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

interface TraceProps extends Pick<ScreenProps, 'session'> {
  readonly trace: TraceState | undefined
  readonly onChange: () => void
}

export function TracePanel({ session, trace, onChange }: TraceProps) {
  const asked = useAsked<TraceState>()
  const on = trace?.on ?? false
  const turn = async () => {
    if (!(await session.withWrite())) return
    const now = await asked.ask(signal => session.client.post('api/tuning/trace', { on: !on }, { signal }))
    if (now === undefined) return
    session.say(now.on ? 'Requests are recorded from now on.' : 'Requests are not recorded any more.')
    onChange()
  }
  return (
    <Panel
      id="trace"
      title="Recording"
      figure={on ? 'on' : 'off'}
      actions={
        <button type="button" disabled={asked.busy.value} onClick={() => void turn()}>
          {on ? 'Stop recording' : 'Record requests'}
        </button>
      }
    >
      {asked.failure.value && <Failed what="It was not switched" failure={asked.failure.value} />}
      {trace !== undefined && (trace.on || trace.bytes > 0) && (
        <Facts
          facts={
            on
              ? [
                  ['recorded', rateWords(trace)],
                  ['requests to this daemon', count(trace.requests)],
                  ['on disk, of all', `${bytes(trace.bytes)} of at most ${bytes(trace.maxBytes)}`],
                ]
              : [['on disk still', `${bytes(trace.bytes)} in ${plural(trace.files, 'file', 'files')}`]]
          }
        />
      )}
      <p class="quiet">
        Of each request this is written down, in the cache folder: when it came, to which cache, a hash that names the
        entry, its size and tokens, how it was answered and what that took. No text, no key and no answer. The same as{' '}
        <span class="mono">op-dbus cache trace {on ? 'off' : 'on'}</span>.
      </p>
    </Panel>
  )
}
