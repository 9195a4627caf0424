// Blocks as rows: number, when, plugin, operation, what it says; of a search how near it is as well.
import type { BlockLine } from '../block-rows.js'
import { hrefOf } from '../router.js'
import { Bar } from './parts.js'
import { Hash, Said, When } from './said.js'
import { type Column, Table } from './table.js'

export interface BlockRow {
  readonly block: BlockLine
  readonly score?: number
}

interface BlockTableProps {
  readonly caption: string
  readonly rows: readonly BlockRow[]
  /** The score of a whole bar; absent: scores are not shown. */
  readonly whole?: number
}

/** Of the name of a plugin or an operation. */
const NAME = 40

export function BlockTable({ caption, rows, whole }: BlockTableProps) {
  const scores: Column<BlockRow>[] =
    whole === undefined
      ? []
      : [
          {
            name: 'score',
            right: true,
            cell: ({ score = 0 }) => (
              <div>
                {score.toFixed(3)} <Bar share={whole > 0 ? score / whole : 0} />
              </div>
            ),
          },
        ]
  return (
    <div class="block-table">
      <Table<BlockRow>
        caption={caption}
        rows={rows}
        keyOf={({ block }) => block.hash}
        columns={[
          ...scores,
          {
            name: 'block',
            right: true,
            cell: ({ block }) => <a href={hrefOf('blocks', String(block.number))}>{block.number}</a>,
          },
          { name: 'hash', cell: ({ block }) => <Hash hash={block.hash} digits={8} /> },
          { name: 'appended', cell: ({ block }) => <When ms={block.header.timestamp} /> },
          { name: 'plugin', cell: ({ block }) => <Said text={block.header.plugin} most={NAME} /> },
          { name: 'operation', cell: ({ block }) => <Said text={block.header.operation} most={NAME} /> },
          { name: 'what', cell: ({ block }) => <bdi>{block.gist}</bdi> },
        ]}
      />
    </div>
  )
}
