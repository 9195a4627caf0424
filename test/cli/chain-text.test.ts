// Blocks as text for people: columns, widths, and nothing that steers a terminal.
import { describe, expect, it } from 'vitest'
import type { Block } from '../../src/blockchain/block.js'
import { draftOf } from '../../src/blockchain/footprint.js'
import { blockLine, blocksText, blockText, faultText, foundText, verifyText } from '../../src/cli/chain-text.js'

const LOOK = { color: false, columns: 100 }
const HASH = 'ab'.repeat(32)
const ZERO = '0'.repeat(64)

function block(number: number, input: Parameters<typeof draftOf>[0]): Block {
  const { body, told, plugin, operation } = draftOf({ timestamp: 1_700_000_000, ...input }, 0)
  const header = {
    ...told,
    number,
    operation,
    plugin,
    previous: ZERO,
    timestamp: 1_700_000_000_123,
    version: 1,
  } as const
  return { number, hash: HASH, header, body }
}

const ADDED = block(7, { plugin_id: 'net', operation: 'apply', data: { mtu: 9000, name: 'eth0' } })
const LONG = block(1234, {
  plugin_id: 'lxc',
  operation: 'delete',
  text: `Deleted container 100\nfor good ${'x'.repeat(200)}`,
})
const EVIL = '\x1b]0;owned\x07\u202e\x9b'

describe('a list', () => {
  it('has columns, what a text says beyond plugin and operation, and fits the terminal', () => {
    const text = blocksText([LONG, ADDED], LOOK)
    expect(text).toBe(
      [
        'block  hash          appended              plugin  operation  what',
        ' 1234  abababababab  2023-11-14T22:13:20Z  lxc     delete     Deleted container 100, for good xxxxx…',
        '    7  abababababab  2023-11-14T22:13:20Z  net     apply      mtu: 9000, name: eth0',
        '',
      ].join('\n'),
    )
    expect(Math.max(...text.split('\n').map(line => line.length))).toBeLessThanOrEqual(LOOK.columns)
    expect(blocksText([], LOOK)).toBe('')
  })

  it('of what was found has how near it is', () => {
    expect(foundText([{ block: ADDED, score: 0.81234 }], LOOK)).toMatch(/^score {2}block .*\n0\.812 {6}7 {2}ab/)
  })

  it('says of a pruned block that it was', () => {
    const { body: _, ...pruned } = ADDED
    expect(blockLine(pruned, LOOK)).toMatch(
      /^ {6}7 {2}abababababab {2}2023-11-14T22:13:20Z {2}net {7}apply {7}\(pruned\)$/,
    )
    expect(blockText(pruned, LOOK)).toContain('Its body was pruned.')
  })
})

describe('one block', () => {
  it('has all that is in it', () => {
    const text = blockText(
      block(0, { plugin_id: 'net', operation: 'apply', data: { a: [1] }, metadata: { host: 'h' } }),
      LOOK,
    )
    for (const part of ['block 0\n', `  hash           ${HASH}`, `  previous       ${ZERO}`])
      expect(text).toContain(part)
    expect(text).toContain('  appended       2023-11-14T22:13:20.123Z')
    expect(text).toContain('  happened       2023-11-14T22:13:20Z')
    expect(text).toContain('\ndata\n  {\n    "a": [\n      1\n    ]\n  }\n')
    expect(text).toContain('\nmetadata\n  {\n    "host": "h"\n  }\n')
    expect(text).toContain('\ntext\n  plugin: net\n  operation: apply\n  a: [1]\n  meta.host: h\n')
  })
})

it('nothing in a block, and nothing that is said of one, steers a terminal', () => {
  const evil = block(0, {
    plugin_id: EVIL,
    operation: EVIL,
    data: { [EVIL]: EVIL },
    metadata: { [EVIL]: [EVIL] },
    text: EVIL,
  })
  const texts = [
    blocksText([evil], LOOK),
    blockLine(evil, LOOK),
    blockText(evil, LOOK),
    foundText([{ block: evil, score: 1 }], LOOK),
    faultText({ block: 0, kind: 'body', message: EVIL }),
  ]
  for (const text of texts) {
    expect(text).toContain('owned')
    expect(text.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/)
  }
})

describe('what verify found', () => {
  const counts = { faultCount: 0, pruned: 0, unverified: 0 }
  const report = { size: 3, hash: HASH, root: HASH, ok: true, full: true, faults: [], ...counts }

  it('is one line where all is sound, and the end of the chain', () => {
    expect(verifyText({ ...report, pruned: 1, unverified: 2, head: { size: 2 } })).toBe(
      'sound: 3 blocks; 1 without body, which was pruned; 2 imported, which nobody could verify; continues the saved head of 2 blocks\n' +
        `last hash  ${HASH}\nroot hash  ${HASH}\n`,
    )
  })

  it('says how many vectors were compared, and how many were not', () => {
    const told = verifyText({ ...report, vectors: { compared: 1, passed: 2, missing: 1 } })
    expect(told.split('\n')[1]).toBe(
      'vectors: 1 computed again; 2 of another model not compared: -m says which computes; 1 text has none',
    )
  })

  it('says what was not looked at, and what is of before', () => {
    expect(verifyText({ ...report, full: false })).toMatch(
      /^headers, links and tree are sound: 3 blocks; bodies and the index were not looked at: --full\n/,
    )
    expect(verifyText({ ...report, pruned: 3, unannounced: 2 })).toMatch(
      /^sound: 3 blocks; 1 without body, which was pruned; 2 without body, which nothing announced\n/,
    )
    expect(verifyText({ ...report, staleIndex: 2 })).toMatch(/^sound: 3 blocks; 2 places in the index of before/)
  })

  it('counts what it does not tell', () => {
    const fault = { block: 1, kind: 'link', message: 'it names another block before it' } as const
    expect(faultText(fault)).toBe('block 1  link  it names another block before it')
    expect(verifyText({ ...report, ok: false, faults: [fault], faultCount: 5 })).toBe(
      'and 4 faults more\ndamaged: 5 faults\n',
    )
  })
})
