// Blocks: the end of the chain and its check, the list as it grows, and one block whole.
import { useSignal } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { count, plural } from '../../src/format.js'
import { blockAsked, type FilterFields, NO_FILTER } from '../block-rows.js'
import { BlockTail } from '../block-tail.js'
import { hrefOf } from '../router.js'
import { useLoaded } from '../use-loaded.js'
import { BlockView } from './block.js'
import { BlockTable } from './block-table.js'
import { Chain } from './chain.js'
import { FilterForm } from './filter-form.js'
import { Empty, Failed, Loading, Panel } from './parts.js'
import { sentence } from './said.js'
import type { ScreenProps } from './screen.js'

export function BlocksScreen(props: ScreenProps) {
  const asked = props.router.route.value.rest
  const first = useRef(true)
  useEffect(() => {
    // The link that was pressed is gone.
    if (!first.current) {
      document.getElementById('main')?.focus({ preventScroll: true })
      scrollTo(0, 0)
    }
    first.current = false
  }, [asked])
  return asked === '' ? <All {...props} /> : <BlockView key={asked} id={asked} {...props} />
}

function All({ session, router }: ScreenProps) {
  const tail = useMemo(
    () => new BlockTail((params, signal) => session.client.get('api/blocks', { params, signal })),
    [session],
  )
  const live = useSignal(true)
  const waiting = useSignal(0)
  const head = useLoaded(session, signal => session.client.get('api/head', { signal }), [], { also: session.appended })
  const end = head.value?.hash
  // Asked anew where the chain has another end alone: an answer may hold megabytes.
  useEffect(() => {
    if (live.peek() || tail.blocks.peek() === undefined) void tail.newest()
    else waiting.value++
  }, [end])
  useEffect(() => () => tail.stop(), [tail])
  const blocks = tail.blocks.value
  const setFilter = (filter: FilterFields) => void tail.setFilter(filter)
  const failure = tail.failure.value
  if (failure?.code === 'DISABLED') {
    return (
      <Panel id="chain" title="Chain">
        <Empty>{sentence(failure.message)}</Empty>
      </Panel>
    )
  }
  return (
    <>
      <Chain session={session} head={head} />
      <Panel
        id="blocks"
        title="Blocks"
        figure={blocks && `${plural(tail.size.value, 'block', 'blocks')} in the chain, newest first`}
        actions={<GoTo onGo={id => router.go('blocks', id)} />}
      >
        <FilterForm onFilter={setFilter}>
          <label class="check">
            <input
              type="checkbox"
              checked={live}
              onChange={event => {
                live.value = event.currentTarget.checked
                if (live.peek()) void tail.newest()
                waiting.value = 0
              }}
            />{' '}
            as they come
          </label>
        </FilterForm>
        {!live.value && waiting.value > 0 && (
          <p class="quiet">
            There may be newer ones.{' '}
            <button
              type="button"
              class="link"
              onClick={() => {
                waiting.value = 0
                void tail.newest()
              }}
            >
              Show them
            </button>
          </p>
        )}
        {failure && <Failed failure={failure} what="The blocks" onRetry={() => void tail.newest()} />}
        {blocks === undefined ? (
          tail.busy.value && <Loading what="blocks" rows={8} />
        ) : blocks.length === 0 ? (
          <Empty>
            {tail.filter.value === NO_FILTER || tail.size.value === 0
              ? 'No block yet. Each apply appends one; so does op-dbus blockchain add.'
              : 'No block fits this filter.'}
          </Empty>
        ) : (
          <>
            <BlockTable caption="Blocks, newest first" rows={blocks.map(block => ({ block }))} />
            <div class="buttons">
              {!tail.atEnd.value && (
                <button type="button" disabled={tail.busy.value} onClick={() => void tail.older()}>
                  Older
                </button>
              )}
              <span class="quiet">
                {count(blocks.length)} shown{tail.atEnd.value && ', down to the oldest that fits'}
              </span>
            </div>
          </>
        )}
      </Panel>
    </>
  )
}

function GoTo({ onGo }: { readonly onGo: (id: string) => void }) {
  const text = useSignal('')
  const wrong = useSignal('')
  return (
    <form
      class="go-to"
      onSubmit={event => {
        event.preventDefault()
        const asked = blockAsked(text.peek())
        wrong.value = asked === undefined ? 'a number, latest, or at least 4 digits of a hash' : ''
        if (asked !== undefined) onGo(asked)
      }}
    >
      <span class="quiet" role="status">
        {wrong}
      </span>
      <input
        type="text"
        size={14}
        aria-label="Number or hash of a block"
        placeholder="number or hash"
        value={text}
        onInput={event => {
          text.value = event.currentTarget.value
        }}
      />
      <button type="submit">Show</button>
      <a href={hrefOf('blocks', 'latest')}>latest</a>
    </form>
  )
}
