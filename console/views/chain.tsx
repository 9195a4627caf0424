// The end of the chain, and its check with everything that was found.
import { useSignal } from '@preact/signals'
import { verifyWords } from '../../src/blockchain/block-words.js'
import { count } from '../../src/format.js'
import type { ChainHead, VerifyReport } from '../../src/server/api.js'
import { useAsked } from '../asked.js'
import { hrefOf } from '../router.js'
import type { Session } from '../state.js'
import type { Loaded } from '../use-loaded.js'
import { Copy, Facts, Failed, Loading, Panel } from './parts.js'
import { sentence } from './said.js'

export function Chain({ session, head }: { readonly session: Session; readonly head: Loaded<ChainHead> }) {
  const verify = useAsked<VerifyReport>()
  const full = useSignal(false)
  const check = async () => {
    const report = await verify.ask(signal =>
      session.client.post('api/verify', full.peek() ? { full: true } : {}, { signal, ms: 600_000 }),
    )
    if (report) session.say(verifyWords(report, 'check everything', 'another model').verdict)
  }
  return (
    <Panel
      id="chain"
      title="Chain"
      actions={
        <>
          <label class="check">
            <input
              type="checkbox"
              checked={full}
              onChange={event => {
                full.value = event.currentTarget.checked
              }}
            />{' '}
            bodies and index as well
          </label>
          <button
            type="button"
            onClick={() => {
              if (verify.busy.peek()) verify.stop()
              else void check()
            }}
          >
            {verify.busy.value ? 'Stop' : 'Verify'}
          </button>
        </>
      }
    >
      {head.failure && <Failed failure={head.failure} what="The head" onRetry={head.reload} />}
      {head.failure?.code === 'CHAIN_DAMAGED' && (
        <p>The chain is not what was written. Verify says what is wrong, and where.</p>
      )}
      {head.value ? <HeadFacts head={head.value} /> : head.loading && <Loading what="the head" />}
      <div role="status">
        {verify.busy.value && <p class="quiet">Working every hash out anew …</p>}
        {verify.value.value && !verify.busy.value && <Verified report={verify.value.value} />}
      </div>
      {verify.failure.value && <Failed failure={verify.failure.value} what="Not verified" />}
    </Panel>
  )
}

function HeadFacts({ head: { size, hash, root } }: { readonly head: ChainHead }) {
  const long = (text: string, what: string) => (
    <>
      <code class="mono">{text}</code> <Copy text={text} what={what} />
    </>
  )
  return (
    <Facts
      facts={[
        ['blocks', <span class="number">{count(size)}</span>],
        ['last hash', long(hash, 'the last hash')],
        ['root hash', long(root, 'the root hash')],
      ]}
    />
  )
}

/** Faults at once. */
const MOST = 100

function Verified({ report }: { readonly report: VerifyReport }) {
  const { verdict, notes, vectors } = verifyWords(report, 'check “bodies and index as well”', 'another model')
  const left = report.faultCount - Math.min(MOST, report.faults.length)
  return (
    <div class={report.ok ? 'verified ok' : 'verified damaged'}>
      <p>
        <strong>{sentence(verdict)}</strong>
      </p>
      <ul class="sentences">
        {[...notes, ...(vectors === undefined ? [] : [vectors])].map(note => (
          <li key={note}>{sentence(note)}</li>
        ))}
      </ul>
      {!report.ok && (
        <>
          <ul class="faults">
            {report.faults.slice(0, MOST).map(({ block, kind, message }, i) => (
              <li key={`${i} ${block} ${kind}`}>
                {block === undefined ? 'chain' : <a href={hrefOf('blocks', String(block))}>block {block}</a>}{' '}
                <span class="mono">{kind}</span> {sentence(message)}
              </li>
            ))}
          </ul>
          {left > 0 && <p class="quiet">and {count(left)} more faults</p>}
          <p>What is damaged is told, and never mended by itself: op-dbus blockchain repair says what can be done.</p>
        </>
      )}
    </div>
  )
}
