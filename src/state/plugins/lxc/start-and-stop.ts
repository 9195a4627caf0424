// Starts and stops containers, one after the other, and tells of each how it went. Nothing is begun where one of them is not what the
// diff saw.
import { messageOf, throwIfAborted } from '../../../errors.js'
import type { ApplyCall, StateAction } from '../../plugin.js'
import { conflict } from '../errors.js'
import type { Containers } from './container.js'

/** @throws OpDbusError CONFLICT, with nothing done; PLUGIN_FAILED where the deadline came, with what was done reported */
export async function startAndStop(
  containers: Containers,
  actions: readonly StateAction[],
  call: ApplyCall,
): Promise<void> {
  const wanted = actions.flatMap(action => {
    const change = action.kind === 'modify' && action.changes.find(({ path }) => path === '/running')
    return change ? [{ resource: action.resource, old: change.old, run: change.new === true }] : []
  })
  const now = await containers.running(call.signal)
  for (const { resource, old } of wanted) {
    if (now.get(resource.name) === old) continue
    const is = now.has(resource.name) ? (now.get(resource.name) ? 'runs' : 'is stopped') : 'is gone'
    throw conflict(`container ${resource.name} ${is} by now`, { plugin: 'lxc', resource: resource.name })
  }

  for (const { resource, run } of wanted) {
    throwIfAborted(call.signal)
    const message = run
      ? 'it was told to start, and did not run yet when the apply ended'
      : 'it was asked to shut down, and still ran when the apply ended: it is not killed'
    // From within the signal's own event: whoever waits for `signal` hears nothing later.
    const pending = () => call.report(resource, { status: 'pending', message })
    call.signal.addEventListener('abort', pending, { once: true })
    try {
      await (run ? containers.start(resource.name, call.signal) : containers.stop(resource.name, call.signal))
      call.report(resource, { status: 'done' })
    } catch (error) {
      if (call.signal.aborted) throw error
      call.report(resource, { status: 'failed', message: messageOf(error) })
    } finally {
      call.signal.removeEventListener('abort', pending)
    }
  }
}
