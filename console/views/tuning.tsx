// The advice of `op-dbus cache tune`, or why there is none.
import { useLoaded } from '../use-loaded.js'
import { Empty, Failed, Loading, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

export function TuningScreen({ session }: ScreenProps) {
  const { value, failure, reload } = useLoaded(session, signal => session.client.get('api/tuning', { signal }))
  return (
    <Panel id="tuning" title="Advice">
      {failure && <Failed what="Advice" failure={failure} onRetry={reload} />}
      {value === undefined ? (
        !failure && <Loading what="advice" />
      ) : (
        <Empty>{value.advice.available ? value.advice.caches.length : value.advice.reason}</Empty>
      )}
    </Panel>
  )
}
