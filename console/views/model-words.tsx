// What is said of a model, on two screens.
import { DEVICE_NAMES } from '../../look/devices.js'
import { plural } from '../../src/format.js'
import type { ModelInfo } from '../../src/server/api.js'

const STATES: Readonly<Record<ModelInfo['state'], string>> = {
  unopened: 'not opened yet: the first text that no tier has opens it',
  opening: 'is being opened',
  ready: 'ready',
  failed: 'failed',
}

/** `builtin on CPU, 2 workers x 1 thread`. */
export function modelWords(model: ModelInfo, named: boolean): string {
  const { device, state, name, serves } = model
  const who = named ? [name] : []
  const gaveWay = serves !== undefined && serves !== name ? [`${serves} serves`] : []
  const where = device === undefined ? [STATES[state]] : [`on ${DEVICE_NAMES[device]}`]
  return [...who, ...gaveWay, ...where, ...workersOf(model)].join(', ')
}

function workersOf({ workers = 0, threads = 0 }: ModelInfo): string[] {
  if (workers === 0) return []
  return [`${plural(workers, 'worker', 'workers')}${threads > 0 ? ` of ${plural(threads, 'thread', 'threads')}` : ''}`]
}

export function stateWords({ state }: ModelInfo): string {
  return STATES[state]
}

/** What was to compute, and why it does not. Nothing where nothing was refused and nothing failed. */
export function Refused({ model }: { readonly model: ModelInfo }) {
  return (
    <>
      {model.problem !== undefined && <p class="bad">{model.problem}</p>}
      {model.refused.length > 0 && (
        <ul class="refused quiet">
          {model.refused.map(({ device, reason, kind }) => (
            <li key={device} class={kind === 'failed' ? 'bad' : ''}>
              {DEVICE_NAMES[device]}{' '}
              {kind === 'slower' ? 'is slower here' : kind === 'failed' ? 'failed' : 'is not here'}: {reason}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
