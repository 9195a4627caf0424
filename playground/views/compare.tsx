// Run it yourself: texts per second from memory, with WASM, with WebGPU, on the visitor's machine.
import { useSignal, useSignalEffect } from '@preact/signals'
import { decadesAround, rateText } from '../../look/scale.js'
import { bytes } from '../../src/format.js'
import type { Session } from '../session.js'
import type { Measured, Tools } from '../tools.js'
import { RunButton } from './run-button.js'

/** Their rows are there from the beginning, so that nothing jumps. */
const COMPARED = ['cached', 'WASM', 'WebGPU']

export function Compare({ tools, session }: { readonly tools: Tools; readonly session: Session }) {
  const measured = tools.measured.value
  const running = tools.measuring.value
  /** Since the page is there. */
  const begun = useSignal(false)
  const fetches = session.fetches.value?.compare ?? 0
  const failed = measured.filter(one => !COMPARED.includes(one.name))
  const rows = [
    ...COMPARED.map(name => ({ name, one: measured.find(one => one.name === name) })),
    ...failed.map(one => ({ name: one.name, one })),
  ]
  const [low, high] = decadesAround(measured.flatMap(one => one.rate ?? []))
  /** What is said of what has no result: it may have been stopped in its middle, or have run before. */
  const absent = running ? 'not measured yet' : begun.value ? 'not measured' : 'not run yet'
  useSignalEffect(() => {
    if (tools.measuring.value !== '') {
      begun.value = true
      session.spoken.value = ''
    } else if (begun.peek()) session.spoken.value = comparedText(tools.measured.peek())
  })
  const share = (rate: number) => Math.max(0.01, Math.log(rate / low) / Math.log(high / low))
  return (
    <section class="compare" aria-labelledby="compare-title">
      <h2 id="compare-title">Compare here</h2>
      <p class="quiet">
        Texts per second on your machine.
        {fetches > 0 && ` Fetches up to ${bytes(fetches)}, once.`}
      </p>
      <div class="buttons">
        <RunButton running={running !== ''} onStart={() => void tools.compare()} onStop={() => tools.stopComparing()}>
          Run
        </RunButton>
        {running && <span class="quiet">{running} …</span>}
      </div>
      <table class="bars">
        <caption class="unseen">Texts per second</caption>
        <thead class="unseen">
          <tr>
            <th scope="col">what</th>
            <th scope="col">texts per second</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, one }) => (
            <tr key={name} data-source={name === 'cached' ? 'memory' : 'computed'}>
              <th scope="row">{name}</th>
              <td>{one ? <Result one={one} share={share} /> : <span class="quiet">{absent}</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="quiet axis">
        {measured.some(one => one.rate !== undefined) && (
          <>
            <span class="ends">
              <span>{rateText(low)}/s</span>
              <span>{rateText(high)}/s</span>
            </span>
            <span>log scale</span>
          </>
        )}
      </p>
    </section>
  )
}

function Result({ one, share }: { readonly one: Measured; readonly share: (rate: number) => number }) {
  if (one.rate === undefined) return <span class="quiet">not here: {one.note}</span>
  return (
    <span class="wide-bar" title={one.note}>
      <span class="track">
        <span class="fill" style={{ width: `${100 * share(one.rate)}%` }} />
      </span>
      <span class="number">{rateText(one.rate)}/s</span>
    </span>
  )
}

/** For screen readers. */
function comparedText(measured: readonly Measured[]): string {
  if (measured.length === 0) return 'Nothing was measured.'
  const parts = measured.map(({ name, rate }) => `${name} ${rate === undefined ? 'not here' : rateText(rate)}`)
  return `Texts per second: ${parts.join(', ')}`
}
