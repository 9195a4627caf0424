// The models that this daemon serves: what requests call them, what computes them, what each holds. Changes nothing.
import { DEVICE_NAMES } from '../../look/devices.js'
import { bytes, count, plural } from '../../src/format.js'
import type { ModelInfo } from '../../src/server/api.js'
import { useLoaded } from '../use-loaded.js'
import { capacity, rateOf } from '../words.js'
import { Refused, stateWords } from './model-words.js'
import { Copy, Empty, Facts, Failed, Loading, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

export function ModelsScreen({ session }: ScreenProps) {
  const models = useLoaded(session, signal => session.client.get('api/models', { signal }))
  return (
    <>
      {models.failure && <Failed what="Models" failure={models.failure} onRetry={models.reload} />}
      {models.value === undefined ? (
        !models.failure && <Loading what="models" rows={8} />
      ) : models.value.length === 0 ? (
        <Empty>This daemon serves no model. Start it with --model.</Empty>
      ) : (
        models.value.map((model, i) => <Model key={model.name} model={model} first={i === 0} />)
      )}
      <p class="quiet">
        A request chooses by <span class="mono">model</span>; one that names none gets the first. More of them:{' '}
        <span class="mono">op-dbus serve --model a --model b</span>.
      </p>
    </>
  )
}

function Model({ model, first }: { readonly model: ModelInfo; readonly first: boolean }) {
  const { name, serves, space, dims, device, workers = 0, threads = 0, cache } = model
  const { memory, onDisk } = cache
  return (
    <Panel id={`model-${name}`} title={<span class="mono">{name}</span>} figure={first ? 'the first' : undefined}>
      <Facts
        facts={[
          [
            'state',
            <>
              {stateWords(model)}
              {serves !== undefined && serves !== name && <>, and {serves} serves in its place</>}
              <Refused model={model} />
            </>,
          ],
          ['computes on', device === undefined ? unknown(model) : DEVICE_NAMES[device]],
          [
            'workers',
            workers === 0
              ? device === undefined
                ? unknown(model)
                : 'none now: they start with the next text'
              : `${workers}, of ${plural(threads, 'thread', 'threads')} each`,
          ],
          ['dimensions', dims === undefined ? 'not known yet' : count(dims)],
          [
            'space',
            space === undefined ? (
              'not known yet'
            ) : (
              <>
                <span class="mono">{space}</span> <Copy text={space} what="the space" />
              </>
            ),
          ],
          ['hit rate', rateOf(cache.hits, cache.hits + cache.misses)],
          ['in memory', `${count(memory.size)} / ${capacity(memory.capacity)}, ${bytes(memory.bytes)}`],
          ['on disk', onDisk ? `${count(onDisk.entries)} of all models, ${bytes(onDisk.bytes)}` : 'off'],
        ]}
      />
    </Panel>
  )
}

/** An embedder of the program's own says nothing of what computes. */
function unknown({ state }: ModelInfo): string {
  return state === 'ready' ? "the program's own" : 'not known yet'
}
