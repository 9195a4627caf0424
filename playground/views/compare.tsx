// Run it yourself: texts per second from memory, with WASM, with WebGPU, on the visitor's machine.
import { bytes } from '../../src/cli/render.js'
import { decadesAround, rateText } from '../scale.js'
import type { Session } from '../session.js'
import type { Measured, Tools } from '../tools.js'

export function Compare({ tools, session }: { readonly tools: Tools; readonly session: Session }) {
  const measured = tools.measured.value
  const running = tools.measuring.value
  const fetches = session.fetches.value?.compare ?? 0
  const [low, high] = decadesAround(measured.flatMap(one => one.rate ?? []))
  const share = (rate: number) => Math.max(0.01, Math.log(rate / low) / Math.log(high / low))
  return (
    <section class="compare" aria-labelledby="compare-title">
      <h2 id="compare-title">Compare here</h2>
      <p class="quiet">
        Texts per second on your machine: from memory, WASM, WebGPU.
        {fetches > 0 && ` Fetches up to ${bytes(fetches)}, once.`}
      </p>
      <div class="buttons">
        {running ? (
          <>
            <button type="button" onClick={() => tools.stopComparing()}>
              Stop
            </button>
            <span class="quiet">{running} …</span>
          </>
        ) : (
          <button type="button" onClick={() => void tools.compare()}>
            Run
          </button>
        )}
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
          {[...measured]
            .sort((a, b) => (b.rate ?? 0) - (a.rate ?? 0))
            .map(one => (
              <Bar key={one.name} one={one} share={one.rate === undefined ? 0 : share(one.rate)} />
            ))}
        </tbody>
      </table>
      {measured.some(one => one.rate !== undefined) && (
        <p class="quiet axis">
          <span>{rateText(low)}/s</span>
          <span>texts per second, log scale</span>
          <span>{rateText(high)}/s</span>
        </p>
      )}
    </section>
  )
}

function Bar({ one, share }: { readonly one: Measured; readonly share: number }) {
  return (
    <tr data-source={one.name === 'cached' ? 'memory' : 'computed'}>
      <th scope="row">{one.name}</th>
      <td>
        {one.rate === undefined ? (
          <span class="quiet">not here: {one.note}</span>
        ) : (
          <span class="wide-bar" title={one.note}>
            <span class="fill" style={{ width: `${100 * share}%` }} />
            <span class="number">{rateText(one.rate)}/s</span>
          </span>
        )}
      </td>
    </tr>
  )
}
