// The masker: what is masked, what stays because it is a meaning, that no text poses as a template, and that it is linear.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isOpDbusError } from '../../src/errors.js'
import { scan } from '../../src/patterns/masker/scan.js'
import { KINDS, SHAPES } from '../../src/patterns/masker/shapes.js'
import { createMasker, MASKER_VERSION } from '../../src/patterns/masker.js'
import { Templates } from '../../src/patterns/templates.js'
import type { Embedder, Space } from '../../src/ports.js'
import { logLines } from '../../src/sample-lines.js'

const masker = createMasker()
const templateOf = (text: string) => masker.mask(text).template

/** Text, and its template. */
const MASKED: Readonly<Record<string, string>> = {
  'Created container 100': 'Created container <number>',
  'Deleted container 17': 'Deleted container <number>',
  '1,234,567 jobs and 98765': '<number> jobs and <number>',
  'pid 2345 in Main.java:812': 'pid <number> in Main.java:<number>',
  'job_17 on worker-16, rack#14': 'job_<number> on worker-<number>, rack#<number>',
  'blk_-1608999687919862906 is gone': 'blk_<number> is gone',
  'Deleted container 7': 'Deleted container <number>',
  'Ran task 3.0 in stage 7.0 (TID 9)': 'Ran task <number> in stage <number> (TID <number>)',
  'found block rdd_21_0 in thread pool-1-thread-3':
    'found block rdd_<number>_<number> in thread pool-<number>-thread-<number>',
  'attempt_1445144423722_0020_m_000003_0 done': 'attempt_<number>_<number>_m_<number>_<number> done',
  'wrote /x/part-00090, 00000007 begun': 'wrote /x/part-<number>, <number> begun',
  'pod web-7d9f8c6b5-x2x4z': 'pod web-<hex>-<id>',
  'rm /current/subdir51/blk_-1608999687919862906': 'rm /current/subdir<number>/blk_<number>',
  'order ORD12345678, Package_for_KB3121255~x': 'order ORD<number>, Package_for_KB<number>~x',
  'Token@9f4ef63': 'Token@<hex>',
  'took 35 ms, read 1.5 GB, elapsed 12 minutes, wrote 4 kB, done in 1.5s, latency 350µs':
    'took <number> ms, read <number> GB, elapsed <number> minutes, wrote <number> kB, done in <number>s, latency <number>µs',
  'ram=64172MB size 67108864 len: 1893 time: 0.2477829': 'ram=<number>MB size <number> len: <number> time: <number>',
  'at 0.295472, x=-22.524063, keyId = -127633188': 'at <number>, x=-<number>, keyId = -<number>',
  '1,234,567 rows': '<number> rows',
  'heap freed 512MB->128MB': 'heap freed <number>MB-><number>MB',
  '"GET /v2/4711/list HTTP/1.1" status: 200 len: 296 time: 0.25':
    '"GET /v2/<number>/list HTTP/1.1" status: 200 len: <number> time: <number>',
  'split x.log:21876+7292': 'split x.log:<number>+<number>',
  'dsl-192-0-2-7.example.net and node.example.net:54883': 'dsl-<ip>.example.net and node.example.net:<port>',
  'at 2024/9/7:16:00:46.635': 'at <timestamp>',
  'GET /items/12345?page=1007': 'GET /items/<number>?page=<number>',
  '550e8400-e29b-41d4-a716-446655440000 left': '<uuid> left',
  '{550E8400-E29B-41D4-A716-446655440000}': '{<uuid>}',
  '2024-01-31T12:34:56.789Z INFO': '<timestamp> INFO',
  '2024-01-31 12:34:56,789 +0100 x': '<timestamp> x',
  '[31/Jan/2024:12:00:00 +0000]': '[<timestamp>]',
  'Jan  5 12:34:56 web sshd[1234]: x': '<timestamp> web sshd[<number>]: x',
  'Mon, 05 Jan 2024 12:34:56 GMT': '<timestamp>',
  '20240131T120000Z': '<timestamp>',
  '17/06/09 20:10:40 INFO': '<timestamp> INFO',
  'backup of 2024-01-31 done': 'backup of <date> done',
  'due 01/31/2024': 'due <date>',
  'error from 10.0.0.5 at 12:00:01': 'error from <ip> at <time>',
  'at 12:34 and 1:02:03.456 and 10:15 pm': 'at <time> and <time> and <time>',
  'from 10.0.0.5 to 192.168.1.255.': 'from <ip> to <ip>.',
  'from fe80::1ff:fe23:4567:890a: refused, ::1, [2001:db8::1]:51234': 'from <ip>: refused, <ip>, [<ip>]:<port>',
  'peer 2001:0db8:85a3:0000:0000:8a2e:0370:7334': 'peer <ip>',
  '::ffff:10.1.2.3 joined': '<ip> joined',
  '10.0.0.5:51234 -> 10.0.0.6:443': '<ip>:<port> -> <ip>:443',
  'for root from 203.0.113.5 port 51234 ssh2': 'for root from <ip> port <port> ssh2',
  'route 10.0.0.0/8': 'route <ip>/8',
  '00:1b:44:11:3a:b7, 00-1B-44-11-3A-B7, 001b.4411.3ab7': '<mac>, <mac>, <mac>',
  'at 0xdeadbeef and 0x0': 'at <hex> and 0x0',
  'container 4c01db0b339c': 'container <hex>',
  '/srv/data/3fa9/7d9f8c6b5-x2x4z/app.js': '/srv/data/<id>/<hex>-<id>/app.js',
}

/** Texts that stay as they are: every number in them is a meaning. */
const MEANINGS = [
  'Deleted widget 7, container: 0, block 3 of 7',
  '100 rows and 3.14159',
  '第100章',
  'pi is 3.14159 since 2024',
  'status 200',
  'status: 404, exit code 137, errno=13, rc 1',
  'status changed from 200 to 404',
  'exit codes 1, 2 and 3',
  'process exited with 1',
  '{"statusCode":404,"exitCode":1,"level":30}',
  'killed by signal 9',
  'listening on port 50051',
  'http://db.example.com:8080/health',
  'http://db:5432/',
  'proxy.internal:3128 and localhost:8080',
  'version 1.2.3.4, release 2024.01.31, apiVersion 7',
  'version 3, v1.2.3, 1.2.3, python3.11, x86_64, 5.15.0-91-generic, libssl1.1',
  'HTTP/1.1 and TLS 1.2 and utf-8 and sha-256',
  'priority 3, severity=5',
  '0 ms, 0.0 B, <1 sec, > 95 MB, 30s, 7B, 24h, the 80s, size 3',
  '100 MB/s, 1000 Mbps, a 5 minute average, 30 second timeout, due in 30 days',
  'temperature 1.234567, probe: -517, delta=-110',
  'disk is 95% full, 95 % used, 20°C, 20 °C',
  'balance -5 and (+7), costs $5',
  'attempt 3, step 12, stage 2/5',
  '404 Not Found',
  '0 rows',
  'error code 0x80070005',
  'eth0 eth12 md5 i18n p2p',
  'deadbeef facade std::abc a::b',
  'CVE-2024, RFC 9110',
  '<34>',
]

describe('the masker', () => {
  it('puts the kind in the place of each variable', () => {
    for (const [text, template] of Object.entries(MASKED)) expect(templateOf(text), text).toBe(template)
  })

  it('leaves a number that is a meaning, and a text without variables, as they are', () => {
    for (const text of MEANINGS) {
      expect(templateOf(text), text).toBe(text)
      expect(masker.mask(text).variables).toEqual([])
    }
  })

  it('tells what it replaced, in order', () => {
    expect(masker.mask('sshd[77]: 10.0.0.1:40000 at 12:00').variables).toEqual([
      { kind: 'number', text: '77' },
      { kind: 'ip', text: '10.0.0.1' },
      { kind: 'port', text: '40000' },
      { kind: 'time', text: '12:00' },
    ])
  })

  it('keeps a request’s status and masks its other numbers', () => {
    const line = (status: number, bytes: number) =>
      `10.0.1.5 - - "GET /x/${bytes} HTTP/1.1" ${status} ${bytes} "-" "curl/8.5.0"`
    expect(templateOf(line(200, 1234))).toBe('<ip> - - "GET /x/<number> HTTP/1.1" 200 <number> "-" "curl/8.5.0"')
    expect(templateOf(line(200, 1234))).toBe(templateOf(line(200, 98765)))
    expect(templateOf(line(404, 1234))).not.toBe(templateOf(line(200, 1234)))
    expect(templateOf('GET /x 503 12 - 8')).not.toBe(templateOf('GET /x 500 12 - 8'))
  })

  it('gives every container one template, and every seed of log lines far fewer templates than lines', () => {
    const containers = Array.from({ length: 990 }, (_, i) => templateOf(`Created container ${i + 10}`))
    expect(new Set(containers)).toEqual(new Set(['Created container <number>']))
    const lines = logLines(2000, 3)
    expect(new Set(lines.map(templateOf)).size).toBeLessThan(0.75 * new Set(lines).size)
  })
})

describe('a template', () => {
  /** Takes a template apart again: literal text, and the kinds of its variables. */
  function parse(template: string): (string | { kind: string })[] {
    const parts: (string | { kind: string })[] = []
    const opening = new RegExp(`(<+)(${KINDS.join('|')})>`, 'y')
    for (let at = 0; at < template.length; ) {
      opening.lastIndex = at
      const match = opening.exec(template)
      if (match === null) {
        let end = at
        while (template[end] === '<') end++
        end = Math.max(end, at + 1)
        parts.push(template.slice(at, end))
        at = end
        continue
      }
      const [all, open, kind] = match as unknown as [string, string, string]
      parts.push('<'.repeat(open.length >> 1))
      // An odd number of < opens a variable, an even one stands for half as many of the text's own.
      parts.push(open.length % 2 === 1 ? { kind } : `${kind}>`)
      at += all.length
    }
    return parts
  }

  const hostile = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '<',
          '<<',
          '<<<',
          '>',
          '<number>',
          '<ip>',
          'number>',
          '100',
          '10.0.0.1',
          'status ',
          ' ',
          '\\',
          '-',
        ),
        fc.string({ maxLength: 6, unit: 'binary' }),
      ),
      { maxLength: 14 },
    )
    .map(parts => parts.join(''))

  it('and its variables give back the text: so no text poses as the template of another', () => {
    fc.assert(
      fc.property(hostile, text => {
        const { template, variables } = masker.mask(text)
        const values = [...variables]
        const back = parse(template).map(part => {
          if (typeof part === 'string') return part
          const variable = values.shift()!
          expect(variable.kind).toBe(part.kind)
          return variable.text
        })
        expect(values).toEqual([])
        expect(back.join('')).toBe(text)
      }),
      { numRuns: 3000 },
    )
  })

  it('of a text that says <number> is not that of a number', () => {
    expect(templateOf('Created container <number>')).toBe('Created container <<number>')
    expect(templateOf('<100')).toBe('<<<number>')
    expect(new Set(['<number>', '<<number>', '100', '<100', '<<100'].map(templateOf)).size).toBe(5)
  })

  it('is the same every time, whatever was asked before', () => {
    fc.assert(
      fc.property(hostile, hostile, (one, other) => {
        const first = masker.mask(one)
        masker.mask(other)
        expect(masker.mask(one)).toEqual(first)
        expect(createMasker().mask(one)).toEqual(first)
      }),
    )
  })
})

describe('hostile texts', () => {
  it('cost a bounded number of steps a character', () => {
    const seeds = [
      '1',
      '1,',
      '1,111,',
      'a',
      'f',
      '1.',
      '1.1.',
      '0x',
      '<',
      'a:',
      '1:',
      '2024-',
      '::',
      '-',
      'Jan ',
      'é',
      '1a',
    ]
    const more = [
      'fe80::',
      '<number>',
      '100 ',
      'status ',
      '10.0.0.1:',
      'http://',
      'a/',
      '\u{1f600}',
      '12:',
      '1-',
      'e1',
      'ab-',
    ]
    const steps = (text: string) => scan(text, new Set()).steps
    for (const seed of [...seeds, ...more]) {
      expect(steps(seed.repeat(50_000)) / (50_000 * seed.length), seed).toBeLessThan(30)
    }
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 8, unit: 'binary-ascii' }), seed => {
        const [small, large] = [steps(seed.repeat(500)), steps(seed.repeat(5000))]
        expect(large).toBeLessThan(11 * small + 100)
      }),
    )
  })

  it('meet no expression that could take long: none has an open quantifier', () => {
    for (const { expression } of SHAPES) expect(expression.source).not.toMatch(/[*+](?![^[]*\])|\{\d+,\}/)
  })

  it('are walked over in their first 16,384 characters alone; the rest is kept as it is', () => {
    const { template, variables } = masker.mask(`${'id 12345, '.repeat(1638)}${'id 67890, '.repeat(100_000)}`)
    expect(variables.length).toBeGreaterThan(1600)
    expect(variables.length).toBeLessThanOrEqual(1638)
    expect(template.endsWith('id 67890, '.repeat(100_000))).toBe(true)
    // What the limit would part from its unit is not masked.
    expect(templateOf(`${'x'.repeat(16_381)} 12 ms`)).toContain(' 12 ms')
  })

  it('come through whole: lone surrogates, NUL, a megabyte', () => {
    expect(templateOf('\ud800 100 \udfff\0')).toBe('\ud800 <number> \udfff\0')
    expect(templateOf('')).toBe('')
    expect(templateOf('100 '.repeat(250_000)).startsWith('<number> <number> ')).toBe(true)
  })
})

describe('masks and literals of the user’s own', () => {
  it('come first; the words around a mask still speak', () => {
    const own = createMasker({
      masks: [
        { name: 'tenant', pattern: /\btn-\w+/ },
        { name: 'order', pattern: /tn-9|ORD\d+/gy },
      ],
      literals: ['VLAN'],
    })
    const { template, variables } = own.mask('tn-42 made ORD77 on vlan 77 to host 99, 33 vlan, tn-9 via vlan 200')
    expect(template).toBe('<tenant> made <order> on vlan 77 to host <number>, 33 vlan, <tenant> via vlan 200')
    expect(variables.map(({ text }) => text)).toEqual(['tn-42', 'ORD77', '99', 'tn-9'])
    expect(own.mask('<tenant> tn-1').template).toBe('<<tenant> <tenant>')
  })

  it('see the first 8,192 characters, and empty matches are none', () => {
    const own = createMasker({ masks: [{ name: 'x', pattern: /x*/ }] })
    const { template } = own.mask(`${'a'.repeat(8190)}xxxx`)
    expect(template).toBe(`${'a'.repeat(8190)}<x>xx`)
  })

  it('make another masker by name, so that their vectors never mix', () => {
    const names = [
      createMasker(),
      createMasker({ literals: ['vlan'] }),
      createMasker({ masks: [{ name: 'x', pattern: /x/ }] }),
      createMasker({ masks: [{ name: 'x', pattern: /x/i }] }),
      createMasker({ masks: [{ name: 'y', pattern: /x/ }] }),
    ].map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(createMasker({ literals: ['b', 'A'] }).name).toBe(createMasker({ literals: ['a', 'B'] }).name)
    expect(JSON.parse(names[0]!)).toMatchObject({ v: MASKER_VERSION })
  })

  it('are checked', () => {
    const wrong = [
      { masks: [{ name: 'number', pattern: /x/ }] },
      { masks: [{ name: 'a b', pattern: /x/ }] },
      { masks: [{ name: 'x>', pattern: /x/ }] },
      { masks: [{ name: 'x', pattern: 'x' as unknown as RegExp }] },
      { masks: [undefined as never] },
      { literals: ['two words'] },
      { literals: [''] },
      { literals: [7 as never] },
    ]
    for (const options of wrong) {
      expect(() => createMasker(options)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
    }
    try {
      createMasker({ literals: ['a b'] })
    } catch (error) {
      expect(isOpDbusError(error, 'INVALID_INPUT')).toBe(true)
    }
  })
})

describe('the space of templates', () => {
  const exact: Embedder = {
    space: 'exact' as Space,
    description: { model: 'm' },
    dims: 2,
    room: 3,
    submit: () => {},
    drop: () => {},
    close: async () => {},
  }

  it('names the masker, and is nobody else’s', () => {
    const one = new Templates(createMasker()).over(exact)
    const other = new Templates(createMasker({ literals: ['vlan'] })).over(exact)
    expect(new Set([exact.space, one.space, other.space]).size).toBe(3)
    expect(one).toMatchObject({ dims: 2, room: 3, description: { model: 'm', patterns: 'template' } })
  })

  // A new sample above changes the digest and nothing else; any other change of it raises MASKER_VERSION.
  it('a changed template raises MASKER_VERSION: this fails when one changes and the other does not', () => {
    const templates = [...Object.keys(MASKED), ...MEANINGS].map(templateOf)
    const digest = createHash('sha256').update(JSON.stringify(templates)).digest('hex').slice(0, 16)
    expect({ version: MASKER_VERSION, digest }).toEqual({ version: 3, digest: '87a61d1db2562143' })
  })
})
