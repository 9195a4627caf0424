// One text and its way through the tiers: computed by the server, in this page, or by both and compared.
import { useEffect, useMemo } from 'preact/hooks'
import type { PageDevice } from '../in-page.js'
import { Lookup, type Place } from '../lookup.js'
import { useLoaded } from '../use-loaded.js'
import { ComparedPanel, PagePanel, ServerAnswer } from './lookup-answer.js'
import { Failed, Panel } from './parts.js'
import type { ScreenProps } from './screen.js'

export function LookupScreen({ session, theme }: ScreenProps) {
  const lookup = useMemo(() => new Lookup(session), [session])
  useEffect(() => () => void lookup.close(), [lookup])
  const failure = lookup.serverFailure.value
  const inPage = lookup.place.value !== 'server'
  return (
    <>
      <Asked session={session} lookup={lookup} />
      {failure && <Failed what="The look-up" failure={failure} onRetry={() => void lookup.run()} />}
      {lookup.place.value !== 'page' && <ServerAnswer session={session} lookup={lookup} theme={theme} />}
      {inPage && (
        <div class="pair">
          <PagePanel lookup={lookup} theme={theme} />
          <ComparedPanel lookup={lookup} />
        </div>
      )}
    </>
  )
}

const PLACES: readonly (readonly [Place, string])[] = [
  ['server', 'by the server'],
  ['page', 'in this page'],
  ['both', 'both, compared'],
]

function Asked({ session, lookup }: { readonly session: ScreenProps['session']; readonly lookup: Lookup }) {
  const models = useLoaded(session, signal => session.client.get('api/models', { signal })).value ?? []
  const busy = lookup.busy.value
  const run = () => void lookup.run()
  const inPage = lookup.place.value !== 'server'
  return (
    <Panel id="asked" title="A text" class="asked">
      <form
        onSubmit={event => {
          event.preventDefault()
          run()
        }}
      >
        <textarea
          aria-label="Text to look up"
          rows={3}
          spellcheck={false}
          placeholder="Created container 100"
          value={lookup.text}
          onInput={event => {
            lookup.text.value = event.currentTarget.value
          }}
          onKeyDown={event => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
            event.preventDefault()
            run()
          }}
        />
        <div class="choices">
          <fieldset>
            <legend>Computed</legend>
            {PLACES.map(([place, name]) => (
              <label key={place}>
                <input
                  type="radio"
                  name="place"
                  checked={lookup.place.value === place}
                  onChange={() => {
                    lookup.place.value = place
                  }}
                />
                {name}
              </label>
            ))}
          </fieldset>
          {models.length > 1 && (
            <label>
              Model
              <select
                value={lookup.model}
                onChange={event => {
                  lookup.model.value = event.currentTarget.value
                }}
              >
                {models.map(({ name }, i) => (
                  <option key={name} value={i === 0 ? '' : name}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
          )}
          {lookup.place.value !== 'page' && (
            <label>
              <input
                type="checkbox"
                checked={lookup.compute}
                onChange={event => {
                  lookup.compute.value = event.currentTarget.checked
                }}
              />
              compute it where no tier has it
            </label>
          )}
          {inPage && (
            <label>
              Page's device
              <select
                value={lookup.device}
                onChange={event => {
                  lookup.device.value = event.currentTarget.value as PageDevice
                }}
              >
                <option value="auto">best</option>
                <option value="webgpu">WebGPU</option>
                <option value="wasm">WASM</option>
              </select>
            </label>
          )}
        </div>
        <div class="buttons">
          {busy ? (
            <button type="button" onClick={() => lookup.stop()}>
              Stop
            </button>
          ) : (
            <button type="submit" class="main" disabled={lookup.text.value === ''}>
              Look up
            </button>
          )}
          <span class="quiet">
            {busy ? lookup.inPage.fetching.value || 'asking …' : inPage ? PAGE_NOTE : 'Ctrl+Enter does it, too.'}
          </span>
        </div>
      </form>
    </Panel>
  )
}

const PAGE_NOTE = 'The page fetches the built-in model and a runtime from the server: about 20 MB, once.'
