// Names and measurements that must share a template, and what stands beside them and must not: generated pairs, from shapes
// of log lines that many programs write. meanings.test.ts has the phrasings of meanings alone.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMasker } from '../../src/patterns/masker.js'

const masker = createMasker()
const templateOf = (text: string) => masker.mask(text).template

const digits = (count: number) => fc.integer({ min: 10 ** (count - 1), max: 10 ** count - 1 }).map(String)
const padded = (count: number) => fc.integer({ min: 1, max: 10 ** count - 1 }).map(n => String(n).padStart(count, '0'))
const signedLong = fc.tuple(fc.constantFrom('', '-'), digits(15)).map(([sign, n]) => sign + n)
const few = fc.integer({ min: 0, max: 9 }).map(String)
/** Zero tells of none, or of the first, and stays. */
const one = fc.integer({ min: 1, max: 9 }).map(String)
const some = fc.integer({ min: 1, max: 9999 }).map(String)
/** What has at least two digits, and is no year. */
const many = fc.integer({ min: 10, max: 1899 }).map(String)
const tenth = fc.tuple(fc.integer({ min: 1, max: 9999 }), few).map(([whole, part]) => `${whole}.${part}`)
const precise = digits(8).map(fraction => `0.${fraction.replace(/^./, '1')}`)
const amount = fc.oneof(some, tenth)
const hash = fc
  .array(fc.constantFrom(...'0123456789abcdef'), { minLength: 11, maxLength: 39 })
  .map(signs => `${signs.join('')}c7`)
const uuid = fc.uuid()
const octet = fc.integer({ min: 1, max: 254 })
const ephemeral = fc.integer({ min: 32_768, max: 65_535 }).map(String)

type Line = (value: string) => string
/** A form of line, and what varies in it without a meaning. */
const NAMES: readonly (readonly [Line, fc.Arbitrary<string>])[] = [
  [n => `Fetched block blk_${n} in full`, signedLong],
  [n => `drop /data/cell12/blk_${n}`, signedLong],
  [
    n => `attempt_${n} moved from NEW to RUNNING`,
    fc.tuple(digits(13), padded(4), padded(6), few).map(([a, b, c, d]) => `${a}_${b}_m_${c}_${d}`),
  ],
  [
    n => `try_${n} moved from NEW to RUNNING`,
    fc.tuple(digits(13), padded(4), padded(6), few).map(([a, b, c, d]) => `${a}_${b}_m_${c}_${d}`),
  ],
  [n => `Started task ${n} (TID 7)`, one],
  [n => `Started task 5 (TID ${n})`, one],
  [n => `Done task ${n} in stage 2.0`, fc.tuple(few, few).map(pair => pair.join('.'))],
  [n => `Done task 3.1 in stage ${n}`, fc.tuple(few, few).map(pair => pair.join('.'))],
  [n => `Cached block map_${n} locally`, fc.tuple(few, few).map(pair => pair.join('_'))],
  [n => `Partition set_${n} absent`, fc.tuple(few, many).map(pair => pair.join('_'))],
  [n => `container ${n} removed`, fc.oneof(one, many)],
  [n => `session ${n} expired`, fc.oneof(one, many)],
  [n => `thread pool-${n} idle`, fc.tuple(one, one).map(([a, b]) => `${a}-thread-${b}`)],
  [n => `wrote out/part-${n}`, padded(5)],
  [n => `wrote out/cell${n}/blk_-1608999687`, digits(2)],
  [n => `order ORD${n} packed`, digits(9)],
  [n => `read Package_for_AB${n}~x`, digits(7)],
  [n => `instance ${n} spawned`, uuid],
  [n => `[req-${n}] accepted`, uuid],
  [n => `image /base/${n} in use`, hash],
  [n => `GET /v2/${n}/list`, hash],
  [n => `peer worker.example.net:${n} joined`, ephemeral],
  [n => `peer 192.0.2.7:${n} joined`, ephemeral],
  [n => `from dsl-${n}.example.net came`, fc.tuple(octet, octet, octet, octet).map(octets => octets.join('-'))],
  [n => `split data.log:${n}+7292`, many],
  [n => `Seq: ${n}, next`, digits(10)],
]
const MEASURES: readonly (readonly [Line, fc.Arbitrary<string>])[] = [
  ...[
    'ms',
    'us',
    'seconds',
    'sec',
    'secs',
    'minutes',
    'hours',
    'B',
    'kB',
    'KB',
    'MB',
    'GiB',
    'bytes',
    'Kbytes',
    's',
  ].map(
    unit => [n => `Flush took ${n} ${unit} to end`, amount] as const satisfies readonly [Line, fc.Arbitrary<string>],
  ),
  ...['ms', 'µs', 'MB', 'KiB', 'kB'].map(
    unit => [n => `flushed (${n}${unit})`, amount] as const satisfies readonly [Line, fc.Arbitrary<string>],
  ),
  [n => `Read ${n} bytes, wrote 17 bytes`, some],
  [n => `store (estimated size ${n} KB, free 5.2 KB)`, amount],
  [n => `of size ${n} from disk`, many],
  [n => `got it in time: ${n}`, precise],
  [n => `"GET /x HTTP/1.1" status: 200 len: ${n} time: 0.25`, many],
  [n => `"GET /x HTTP/1.1" status: 200 len: 12 time: ${n}`, precise],
  [n => `at point ${n} now`, precise],
  [n => `done: total = ${n}, left`, many],
  [n => `<memory:${n}, cores>`, many],
  [n => `keyId: -${n}, y`, digits(9)],
  [n => `copied ${n} rows`, digits(5)],
  [n => `lease 17 held for ${n} seconds`, some],
  [n => `elapsed_ms=${n}`, many],
]

const AROUND = ['', '[worker-31] ', '2024-01-31T12:00:00Z ', 'INFO ', 'a.b.Store: ']
const BEHIND = ['', '.', ', then on', ' (10.0.0.9)']

describe('what differs in nothing but a name or a measurement', () => {
  for (const [what, lines] of [
    ['names', NAMES],
    ['measurements', MEASURES],
  ] as const) {
    it(`shares a template: ${what}`, () => {
      const pair = fc.constantFrom(...lines).chain(([line, value]) => fc.tuple(fc.constant(line), value, value))
      fc.assert(
        fc.property(
          pair,
          fc.constantFrom(...AROUND),
          fc.constantFrom(...BEHIND),
          ([line, one, other], before, after) => {
            const text = (value: string) => before + line(value) + after
            return templateOf(text(one)) === templateOf(text(other))
          },
        ),
        { numRuns: 6000 },
      )
    })
  }
})

/** Two values of one place, each of which says something else. */
const APART: readonly (readonly [Line, readonly string[] | fc.Arbitrary<string>])[] = [
  [
    n => `Flush took 12 ${n} to end`,
    ['ms', 's', 'seconds', 'minutes', 'hours', 'MB', 'KB', 'bytes', '%', 'days', 'MB/s'],
  ],
  [n => `Flush took ${n} ms to end`, ['0', '12', '-12', '<12']],
  [n => `sent ${n} bytes`, ['0', '17', '-17', '>17']],
  [n => `${n} errors in block blk_1608999687919`, fc.integer({ min: 0, max: 99_999 }).map(String)],
  [n => `task 3 exited with ${n}`, fc.integer({ min: 0, max: 255 }).map(String)],
  [n => `task 3.0 in stage 7.0 ended: status ${n}`, fc.integer({ min: 0, max: 599 }).map(String)],
  [n => `attempt_1445144423722_0020_m_000003_0 exit code ${n}`, fc.integer({ min: 0, max: 255 }).map(String)],
  [n => `attempt_1445144423722_0020_m_000003_0 ${n}`, ['failed', 'succeeded', 'RUNNING', 'KILLED']],
  [n => `attempt_1445144423722_0020_${n}_000003_0 began`, ['m', 'r']],
  [n => `job 17 ${n}`, ['failed', 'succeeded', 'not found', 'found', 'on', 'off', 'true', 'false']],
  [n => `"GET /x HTTP/1.1" status: ${n} len: 296 time: 0.25`, fc.integer({ min: 100, max: 599 }).map(String)],
  [n => `"GET /x HTTP/1.1" ${n} 296 12ms`, fc.integer({ min: 100, max: 599 }).map(String)],
  [n => `session 7 answered ${n} after 12 ms`, fc.integer({ min: 100, max: 599 }).map(String)],
  [n => `request took 12 ms, got ${n}`, fc.integer({ min: 100, max: 599 }).map(String)],
  [n => `port ${n} opened by task 3`, fc.integer({ min: 1, max: 65_535 }).map(String)],
  [n => `block ${n}/tcp`, fc.integer({ min: 1, max: 999 }).map(String)],
  [n => `probe: -${n}`, fc.integer({ min: 1, max: 999 }).map(String)],
  [n => `retry ${n} after 12 ms`, fc.integer({ min: 0, max: 99 }).map(String)],
  [n => `attempt ${n} of task 3`, fc.integer({ min: 0, max: 99 }).map(String)],
  [n => `chunk ${n} of 7`, fc.integer({ min: 0, max: 7 }).map(String)],
  [n => `container web runs version ${n}`, fc.tuple(few, few, few).map(parts => parts.join('.'))],
  [n => `worker ${n} started`, fc.tuple(few, few).map(parts => parts.join('.'))],
  [n => `/opt/tool${n}/bin`, digits(2)],
  [n => `/opt/tool${n}/4711471147`, digits(2)],
  [n => `worker ${n} in zone 1.0`, fc.tuple(few, few).map(parts => parts.join('.'))],
  [n => `session lv_${n}_0 has level ${n}`, few],
  [n => `disk of instance 17 ${n}% full, 12 MB free`, fc.integer({ min: 0, max: 100 }).map(String)],
  [n => `link of vm 17 up at ${n} Mbps`, ['10', '100', '1000']],
  [n => `expires in ${n} days`, fc.integer({ min: 0, max: 365 }).map(String)],
  [n => `average over a ${n} minute window`, ['1', '5', '15']],
  [n => `model of ${n}B loaded in 12 s`, ['7', '13', '70']],
  [n => `timeout ${n}s`, ['10', '30', '90']],
  [n => `session=${n}`, ['0', '1']],
  [n => `uid=${n} in container 17`, fc.integer({ min: 0, max: 9999 }).map(String)],
  [n => `session 17 opened for user ${n}`, ['root', 'guest', 'admin']],
  [n => `${n} block blk_1608999687919`, ['Serving', 'Deleting', 'INFO', 'ERROR', 'Not serving']],
  [n => `x = ${n}1072`, ['', '-']],
  [n => `x = -${n}, y`, digits(4)],
  [n => `session ${n} expired`, ['0', '1']],
  [n => `mask 0x0${n}`, few],
  [
    n => `code ${n}`,
    fc.tuple(fc.constantFrom('a', 'e'), digits(5), fc.constantFrom('b', 'f')).map(parts => parts.join('')),
  ],
  [n => `ABC-${n} raised`, padded(5)],
  [n => `installed KB${n}`, digits(7)],
]

describe('what says something else', () => {
  it('never shares a template, whatever is masked beside it', () => {
    const pair = fc.constantFrom(...APART).chain(([line, values]) => {
      const value = Array.isArray(values) ? fc.constantFrom(...(values as string[])) : (values as fc.Arbitrary<string>)
      return fc.tuple(fc.constant(line), value, value)
    })
    fc.assert(
      fc.property(pair, fc.constantFrom(...AROUND), fc.constantFrom(...BEHIND), ([line, one, other], before, after) => {
        fc.pre(one !== other)
        const text = (value: string) => before + line(value) + after
        return templateOf(text(one)) !== templateOf(text(other))
      }),
      { numRuns: 12_000 },
    )
  })

  it('nor do a name and the like of another kind', () => {
    const kinds = [
      'task 3',
      'took 3 ms',
      'took 3 MB',
      'blk_1608999687919',
      'ab12cd34ef56',
      '10.0.0.1',
      '12:00:01',
      '0 ms',
    ]
    expect(new Set(kinds.map(kind => templateOf(`x ${kind} y`))).size).toBe(kinds.length)
  })
})
