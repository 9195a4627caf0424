// The bench's command line.
import { expect, test } from 'vitest'
import { parseBenchArgs, UsageError, usage } from './args.js'

const ids = ['memory-hit', 'disk-hit', 'open-1m']

test('nothing given means everything, in full', () => {
  expect(parseBenchArgs([], ids)).toEqual({
    only: [],
    json: undefined,
    model: undefined,
    quick: false,
    help: false,
    markdown: [],
    library: undefined,
    child: [],
  })
})

test('--only may be repeated or a list', () => {
  const { only } = parseBenchArgs(['--only', 'disk-hit,open-1m', '--only', 'memory-hit'], ids)
  expect(only).toEqual(['disk-hit', 'open-1m', 'memory-hit'])
})

test('the other options', () => {
  const args = parseBenchArgs(['--json', 'out.json', '--model', 'dir', '--library', 'other', '--quick', '-h'], ids)
  expect(args).toMatchObject({ json: 'out.json', model: 'dir', library: 'other', quick: true, help: true })
})

test.each([
  [['--only', 'disk-hit,disk-hot'], /no row is called disk-hot\. There are: memory-hit, disk-hit, open-1m/],
  [['--fast'], /fast/],
  [['memory-hit'], /memory-hit/],
  [['--json'], /json/],
])('%s is refused', (args, message) => {
  expect(() => parseBenchArgs(args, ids)).toThrow(UsageError)
  expect(() => parseBenchArgs(args, ids)).toThrow(message)
})

test('the help names every row', () => {
  for (const id of ids) expect(usage(ids)).toContain(id)
})
