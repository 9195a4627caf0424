// One block whole: its header, its neighbours, its body, and its proof as a file.

import { bytes, plural } from '../../src/format.js'
import type { Block } from '../../src/server/api.js'
import { useAsked } from '../asked.js'
import { proofName } from '../block-rows.js'
import { hrefOf } from '../router.js'
import { saveFile } from '../save-file.js'
import { useLoaded } from '../use-loaded.js'
import { Copy, Facts, Failed, Loading, Panel } from './parts.js'
import { LongText, Said, When } from './said.js'
import type { ScreenProps } from './screen.js'
import { Tree } from './tree.js'

export function BlockView({ id, session }: ScreenProps & { readonly id: string }) {
  const block = useLoaded(session, signal => session.client.block(id, { signal }), [id], { ticks: false })
  const head = useLoaded(session, signal => session.client.get('api/head', { signal }), [], { also: session.appended })
  const proof = useAsked<string>()
  const { value } = block
  const save = async () => {
    if (!value) return
    const text = await proof.ask(signal =>
      session.client.text(`api/blocks/${value.number}/proof`, { signal, ms: 120_000 }),
    )
    if (text === undefined) return
    saveFile(proofName(value.number), text)
    session.say(`The proof of block ${value.number} was saved.`)
  }
  return (
    <Panel
      id="block"
      title={value ? `Block ${value.number}` : 'Block'}
      actions={
        value && (
          <>
            <Neighbours number={value.number} size={head.value?.size} />
            <button type="button" disabled={proof.busy.value} onClick={() => void save()}>
              {proof.busy.value ? 'making it …' : 'Proof as a file'}
            </button>
          </>
        )
      }
    >
      <p>
        <a href={hrefOf('blocks')}>All blocks</a>
      </p>
      {proof.failure.value && <Failed failure={proof.failure.value} what="No proof" onRetry={() => void save()} />}
      {block.failure && <Failed failure={block.failure} what="This block" onRetry={block.reload} />}
      {value ? <Whole block={value} /> : block.loading && <Loading what="the block" rows={10} />}
    </Panel>
  )
}

/** The next one is told once it is there. */
function Neighbours({ number, size }: { readonly number: number; readonly size: number | undefined }) {
  return (
    <nav class="neighbours" aria-label="Neighbours">
      {number > 0 && <a href={hrefOf('blocks', String(number - 1))}>← {number - 1}</a>}
      {size !== undefined && number + 1 < size && <a href={hrefOf('blocks', String(number + 1))}>{number + 1} →</a>}
    </nav>
  )
}

function Whole({ block: { number, hash, header, body } }: { readonly block: Block }) {
  const code = (text: string) => <code class="mono">{text}</code>
  return (
    <div class="block">
      <Facts
        facts={[
          [
            'hash',
            <>
              {code(hash)} <Copy text={hash} what="the hash" />
            </>,
          ],
          [
            'previous',
            number > 0 ? (
              <a href={hrefOf('blocks', header.previous)}>{code(header.previous)}</a>
            ) : (
              code(header.previous)
            ),
          ],
          ['appended', <When ms={header.timestamp} />],
          ...(body ? ([['happened', <When ms={1000 * body.footprint.timestamp} />]] as const) : []),
          ['plugin', <Said text={header.plugin} most={300} />],
          ['operation', <Said text={header.operation} most={300} />],
          ['content hash', code(header.content)],
          ['data hash', code(header.data)],
          ['metadata hash', code(header.metadata)],
          ['text hash', code(header.text)],
          ['body', body ? bytes(header.bytes) : `pruned; it was ${bytes(header.bytes)}`],
        ]}
      />
      {body && body.text !== '' && (
        <section aria-labelledby="block-text">
          <h3 id="block-text">
            Text <span class="figure">{plural(body.text.length, 'character', 'characters')}</span>
          </h3>
          <LongText text={body.text} label="Text of the block" />
        </section>
      )}
      {body?.data !== undefined && (
        <section aria-labelledby="block-data">
          <h3 id="block-data">Data</h3>
          <Tree id="data-tree" label="the data" value={rooted(body.data)} />
        </section>
      )}
      {body && Object.keys(body.metadata).length > 0 && (
        <section aria-labelledby="block-metadata">
          <h3 id="block-metadata">Metadata</h3>
          <Tree id="metadata-tree" label="the metadata" value={body.metadata} />
        </section>
      )}
    </div>
  )
}

/** A tree shows members: what has none is one. */
function rooted<T>(value: T): T | { readonly data: T } {
  return typeof value === 'object' && value !== null ? value : { data: value }
}
