// The pure parts of the console's screens: trees of any JSON, diffs as rows, blocks that come while others are shown, what a clear takes.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ageOf } from '../../console/ages.js'
import { type BlockLine, blockAsked, filterOf, lineOf, merged, NO_FILTER, proofName } from '../../console/block-rows.js'
import { confirmWords, desiredProblem, diffGroups, firstRows, toDo } from '../../console/diff-rows.js'
import { FIRST_MEMBERS, findIn, hintOf, MOST_FOUND, MOST_ROWS, treeRows, valueText } from '../../console/json-tree.js'
import { searchNotes } from '../../console/search-words.js'
import { clearTitle, detailsOf, goneText, nameOf } from '../../console/space-rows.js'
import type { Block } from '../../src/blockchain.js'
import type { JsonObject, JsonValue } from '../../src/json/json.js'
import type { SpaceInfo } from '../../src/server/api.js'
import type { StateAction } from '../../src/state/plugin.js'
import type { Plan } from '../../src/state.js'

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonValue>
const nothing = { open: new Set<string>(), members: new Map<string, number>() }

describe('a tree', () => {
  it('shows what is open, and counts what is not shown', () => {
    const root: JsonObject = { links: [{ name: 'eth0', 'a/b': 1 }, { name: 'lo' }], dns: {}, up: true }
    const closed = treeRows(root, nothing)
    expect(closed.rows.map(({ name, kind, size, open }) => [name, kind, size, open])).toEqual([
      ['links', 'list', 2, false],
      ['dns', 'value', 0, false],
      ['up', 'value', 0, false],
    ])
    const { rows } = treeRows(root, { ...nothing, open: new Set(['/links', '/links/0']) })
    expect(rows.map(({ path, depth }) => [path, depth])).toEqual([
      ['/links', 0],
      ['/links/0', 1],
      ['/links/0/name', 2],
      ['/links/0/a~1b', 2],
      ['/links/1', 1],
      ['/dns', 0],
      ['/up', 0],
    ])
    const many = treeRows(
      { list: Array.from({ length: 10_000 }, (_, i) => i) },
      { ...nothing, open: new Set(['/list']) },
    )
    expect(many.rows).toHaveLength(1 + FIRST_MEMBERS + 1)
    expect(many.rows.at(-1)).toMatchObject({ kind: 'more', path: '/list', size: 10_000 - FIRST_MEMBERS })
  })

  it('never has more rows than a page bears, whatever is open', () => {
    const wide = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`k${i}`, Array.from({ length: 100 }, () => 0)]),
    )
    const view = treeRows(wide, { ...nothing, open: new Set(Object.keys(wide).map(name => `/${name}`)) })
    expect(view.cut).toBe(true)
    expect(view.rows).toHaveLength(MOST_ROWS)
  })

  it('shows each place that a search finds, with all that it is in, and nothing else', () => {
    fc.assert(
      fc.property(json, fc.string({ minLength: 1, maxLength: 3 }), (root, words) => {
        const only = findIn(root, words)
        if (only === undefined) {
          expect(words.trim()).toBe('')
          return
        }
        const { rows } = treeRows(root, { ...nothing, only })
        const shown = rows.map(({ path }) => path)
        expect(rows.filter(({ found }) => found).map(({ path }) => path)).toEqual([...only.hits])
        for (const path of shown) expect(only.hits.has(path) || only.above.has(path)).toBe(true)
        const texts = root !== null && typeof root === 'object' ? leaves(root) : []
        const needle = words.trim().toLowerCase()
        expect(only.hits.size > 0).toBe(texts.some(text => text.toLowerCase().includes(needle)))
      }),
    )
    const state: JsonObject = { links: [{ name: 'eth0' }, { name: 'ETH1', note: null }] }
    expect([...findIn(state, 'eth')!.hits]).toEqual(['/links/0/name', '/links/1/name'])
    expect([...findIn(state, 'note')!.hits]).toEqual(['/links/1/note'])
    const whole = treeRows(state, { ...nothing, open: new Set(['/links']), only: findIn(state, 'links') })
    expect(whole.rows.map(({ path }) => path)).toEqual(['/links', '/links/0', '/links/1'])
    const much = findIn(
      Array.from({ length: 1000 }, () => 'x'),
      'x',
    )!
    expect([much.hits.size, much.more]).toEqual([MOST_FOUND, true])
  })

  it('writes values as JSON, and of megabytes the beginning', () => {
    expect(valueText('a"\n\u0000')).toBe('"a\\"\\n\\u0000"')
    expect(valueText('x'.repeat(5_000_000)).length).toBeLessThan(310)
    expect(valueText({})).toBe('{}')
    expect(hintOf({ name: 'eth0', ports: ['a'], alias: '', up: true })).toBe('name "eth0", up true')
    expect(hintOf({ name: 'x'.repeat(1_000_000), note: 'y'.repeat(100), more: 1 }).length).toBeLessThanOrEqual(81)
    expect([hintOf([1]), hintOf(null), hintOf('a')]).toEqual(['', '', ''])
  })
})

/** Names and values that are no containers. */
function leaves(value: JsonValue): string[] {
  if (value === null || typeof value !== 'object') return [String(value)]
  return Object.entries(value).flatMap(([name, inner]) => [name, ...leaves(inner as JsonValue)])
}

const eth0 = { collection: 'interfaces', name: 'eth0' }
const actions: StateAction[] = [
  { kind: 'create', resource: { collection: 'interfaces', name: 'br1' }, new: { type: 'bridge' } },
  { kind: 'modify', resource: eth0, changes: [{ path: '/mtu', old: 1500, new: 9000 }], refused: 'not that one' },
  {
    kind: 'delete',
    resource: { collection: 'interfaces', name: 'old' },
    old: { name: 'old', ports: ['a'] },
    with: [{ resource: { collection: 'interfaces', name: 'a' }, old: {} }],
  },
  { kind: 'none', resource: { collection: 'dns', name: '' } },
]
const diff = { plugin: 'net', version: '1', currentHash: '', desiredHash: '', actions }

describe('a diff', () => {
  it('has a row for each resource, with old and new values, what goes along and what is refused', () => {
    const [group] = diffGroups([diff], { net: 'memory' })
    expect(group).toMatchObject({ plugin: 'net', from: 'memory', same: 1 })
    expect(group!.rows.map(({ sign, name }) => `${sign} ${name}`)).toEqual([
      '+ interfaces/br1',
      '~ interfaces/eth0',
      '- interfaces/old',
    ])
    expect(group!.rows[1]!.changes).toEqual([{ sign: '~', path: 'mtu', old: '1500', now: '9000' }])
    expect(group!.rows[1]!.refused).toBe('not that one')
    expect(group!.rows[2]!.taken).toEqual(['interfaces/a'])
    expect(group!.rows[2]!.changes.map(({ path }) => path)).toEqual(['ports'])
  })

  it('shows so many rows over all plugins, and says how many are left', () => {
    const groups = diffGroups([diff, { ...diff, plugin: 'lxc' }])
    const { groups: first, left } = firstRows(groups, 4)
    expect([first.map(({ rows }) => rows.length), left]).toEqual([[3, 1], 2])
    expect(firstRows(groups, 100).left).toBe(0)
  })

  it('says before an apply what it will do', () => {
    const plan: Plan = {
      'op-dbus': 'plan',
      version: 1,
      created: '2026-11-27T20:00:00Z',
      to: { checkpoint: 'x' },
      diffs: [diff],
      trouble: { lxc: { kind: 'failed', message: 'gone' } },
    }
    expect(toDo(plan)).toBe(2)
    const can = { apply: true, atomic: false, rollback: false, watch: false }
    const words = confirmWords(plan, [{ name: 'net', capabilities: can }]).join(' ')
    for (const part of [
      '1 to create, 1 to modify, 1 to delete, and 1 with that',
      'checkpoint',
      'one thing after the other',
    ])
      expect(words).toContain(part)
    for (const part of ['cannot be rolled back', '1 change is refused', 'no answer from there', 'nothing is done'])
      expect(words).toContain(part)
    const able = { ...can, atomic: true, rollback: true }
    expect(confirmWords(plan, [{ name: 'net', capabilities: able }]).join(' ')).not.toMatch(
      /rolled back|after the other/,
    )
  })

  it('is not asked of nothing, nor of more than the daemon reads', () => {
    expect(desiredProblem(' \n')).toMatch(/nothing in it/)
    expect(desiredProblem('\u00e4'.repeat(9_000_000))).toMatch(/at most/)
    expect(desiredProblem('{')).toBeUndefined()
  })
})

describe('blocks', () => {
  const line = (number: number, gist = '') => ({ number, hash: '', header: {}, gist }) as BlockLine

  it('come in their order, each once, the newest word on each, and the oldest let go', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.array(fc.nat(50)), fc.integer({ min: 1, max: 20 }), (one, other, most) => {
        const fresh = other.map(number => line(number, '(pruned)'))
        const list = merged(
          one.map(number => line(number)),
          fresh,
          most,
        )
        const numbers = [...new Set([...one, ...other])].sort((a, b) => b - a)
        expect(list.map(({ number }) => number)).toEqual(numbers.slice(0, most))
        for (const { number, gist } of list) expect(gist !== '').toBe(other.includes(number))
      }),
    )
  })

  it('are a line each, whatever they hold', () => {
    const block = (text: string) => ({
      number: 1,
      hash: 'ab',
      header: { plugin: 'net', operation: 'apply' },
      body: { text, metadata: {} },
    })
    const gist = (text: string) => lineOf(block(text) as unknown as Block).gist
    expect(gist('plugin: net\noperation: apply\n mtu set\n\n up\u202e')).toBe('mtu set, up·')
    // A megabyte of blanks would be walked again from each of them.
    expect(gist(`a${' '.repeat(1_000_000)}b`).length).toBeLessThanOrEqual(300)
    const { body: _, ...pruned } = block('')
    expect(lineOf(pruned as unknown as Block)).toEqual({ ...pruned, gist: '(pruned)' })
  })

  it('are asked for by what is filled in', () => {
    expect(filterOf(NO_FILTER)).toEqual({})
    const fields = { plugin: ' net&x ', operation: '', since: '2026-11-27T20:00', until: 'nonsense' }
    expect(filterOf(fields)).toEqual({ plugin: 'net&x', since: Date.parse('2026-11-27T20:00') })
    expect([' 12 ', 'LATEST', 'abcd', 'abc', '-1', '../x', ''].map(blockAsked)).toEqual([
      '12',
      'latest',
      'abcd',
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(proofName(12)).toBe('block-12.tlog-proof')
  })
})

describe('a search', () => {
  it('says what it could not look at, each in a sentence', () => {
    const nothing = { found: [], searched: 0, pending: 0 }
    expect(searchNotes(nothing)).toEqual([])
    const all = searchNotes({
      ...nothing,
      pending: 1,
      pruned: 2,
      refused: 3,
      textOnly: 'the model cannot be had',
      older: { space: 's', searched: 4 },
    }).join(' ')
    for (const part of ['1 block is not embedded yet', '2 blocks are pruned', '3 blocks are damaged'])
      expect(all).toContain(part)
    for (const part of [
      'by text alone: the model cannot be had.',
      '4 blocks are searched by vectors of the model before',
    ])
      expect(all).toContain(part)
    expect(searchNotes({ ...nothing, older: { space: 's', searched: 0, problem: 'gone' } })[0]).toMatch(/gone/)
  })
})

describe('ages and spaces', () => {
  it('count down, and no further than to nothing', () => {
    const query = { cached: { ageMs: 1000, ttlMs: 5000, source: 'memory', bytes: 1 } as const }
    expect(ageOf(query, 2000)).toEqual({ ageMs: 3000, leftMs: 2000, share: 0.4 })
    expect(ageOf(query, 9000)).toMatchObject({ leftMs: 0, share: 0 })
    expect(ageOf(query, -5)).toMatchObject({ ageMs: 1000 })
    expect(ageOf({}, 0)).toBeUndefined()
    expect(ageOf({ cached: { ...query.cached, ttlMs: 0 } }, 0)).toMatchObject({ share: 0 })
  })

  it('are told in words', () => {
    const space = (name: string, entries: number, bytes: number, oldest: number): SpaceInfo => ({
      space: name.repeat(64),
      description: { model: `m${name}`, dims: 3, dtype: 'q8', prefix: '', modelSha256: 'ff' },
      dims: 3,
      oldest,
      newest: oldest + 1,
      usedBy: [],
      entries,
      bytes,
    })
    const one = space('a', 1, 30, 5)
    expect([nameOf(one), detailsOf(one)]).toEqual(['ma', '3 dims, dtype q8'])
    expect(nameOf({ ...one, description: {} })).toBe('aaaaaaaaaaaa')
    expect(clearTitle({}, '')).toBe('Clear all four caches')
    expect(clearTitle({ caches: ['queries', 'diffs'] }, '')).toBe('Clear queries and diffs')
    expect(clearTitle({ space: 'x' }, 'ma')).toBe('Clear the space ma')
    const gone = [
      { cache: 'diffs', tier: 'disk', entries: 1, bytes: 10 } as const,
      { cache: 'queries', tier: 'disk', entries: 0, bytes: 5 } as const,
    ]
    expect(goneText({ gone, preview: true, sharedStays: false })).toBe('1 entry, 15 B on disk')
  })
})
