// The table: figures as people read them, columns in line.
import { expect, test } from 'vitest'
import { finishRow } from './row.js'
import { digits, figure, markdown, table, verdict } from './table.js'

test.each([
  [0, '0'],
  [0.0521, '0.052'],
  [0.5, '0.50'],
  [3.44, '3.4'],
  [62.4, '62'],
  [262.6, '263'],
  [1234.5, '1\u2009235'],
  [1234567, '1\u2009234\u2009567'],
])('%d reads %s', (value, text) => expect(digits(value)).toBe(text))

test.each([
  [62.4, 'ns', '62 ns'],
  [2710, 'ns', '2.7 µs'],
  [0.2, 'ms', '200 µs'],
  [14.2, 'ms', '14 ms'],
  [1300, 'ms', '1.3 s'],
  [120, 's', '120 s'],
  [0.4, 'ns', '0.40 ns'],
  [0, 'ms', '0 ns'],
  [118_804, 'vectors/s', '118\u2009804 vectors/s'],
  [1.031, 'x', '1.03x'],
])('%d %s reads %s', (value, unit, text) => expect(figure(value, unit)).toBe(text))

const rows = [
  finishRow({
    id: 'memory-hit',
    what: 'vector of a text in memory',
    unit: 'ns',
    ours: 62,
    peer: { name: 'lru-cache get', value: 59 },
    hold: { side: 'at most', times: 1.5 },
  }),
  finishRow({ id: 'open-1m', what: 'opening', unit: 's', ours: 1.2, hold: { side: 'at most', plus: 1 } }),
  finishRow({ id: 'told', what: 'only told', unit: 'MB', ours: 17.1, peer: { name: 'lru-cache', value: 17 } }),
]

test('columns stand in line, figures on the right, and no line ends in spaces', () => {
  expect(table(rows).split('\n')).toEqual([
    'row         what                         ours   peer                 ratio  to hold',
    'memory-hit  vector of a text in memory  62 ns  59 ns  lru-cache get  1.05x  <= 1.5x  held',
    'open-1m     opening                     1.2 s                               <= 1 s   missed',
    'told        only told                   17 MB  17 MB  lru-cache      1.01x',
  ])
})

test('colour marks the verdicts and moves nothing', () => {
  const coloured = table(rows, { colour: true })
  expect(coloured).toContain('\u001b[32mheld\u001b[39m')
  expect(coloured).toContain('\u001b[31mmissed\u001b[39m')
  expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(table(rows))
})

test('the page gets the same figures, and what was missed stands out', () => {
  expect(markdown(rows).split('\n')).toEqual([
    '| row | what | op-dbus | peer | ratio | we want |',
    '| --- | --- | --- | --- | --- | --- |',
    '| `memory-hit` | vector of a text in memory | 62 ns | 59 ns, lru-cache get | 1.05x | <= 1.5x |',
    '| `open-1m` | opening | 1.2 s | | | <= 1 s: **missed** |',
    '| `told` | only told | 17 MB | 17 MB, lru-cache | 1.01x | |',
  ])
})

test('the verdict counts only what is to be held, and names what was missed', () => {
  expect(verdict(rows)).toBe('1 of 2 figures held; missed: open-1m')
  expect(verdict(rows.slice(0, 1))).toBe('1 of 1 figures held')
})
