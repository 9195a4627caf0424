// Traces for other programs and from them: what we export we read again, libCacheSim counts the same in it, and nonsense is refused.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { EXPORT_FORMATS, type ExportFormat, exportRequests } from '../../../src/node/tuning/trace-export.js'
import { readTraces } from '../../../src/node/tuning/trace-read.js'
import { REQUEST_COLUMNS } from '../../../src/tuning/request-list.js'
import { KEY_SPAN, type Requests } from '../../../src/tuning/requests.js'
import { simulate } from '../../../src/tuning/simulate.js'
import { workload } from '../../../src/tuning/workloads.js'
import { temporaryFolder } from '../../support.js'
import { simulator } from '../../tuning/python.js'

async function exported(requests: Requests, format: ExportFormat): Promise<string> {
  const path = join(temporaryFolder(), format)
  const file = fs.openSync(path, 'w')
  await exportRequests(requests, format, async piece => void fs.writeSync(file, piece as string))
  fs.closeSync(file)
  return path
}

function zipf(): Requests {
  const requests = workload('zipf', {
    requests: 30_000,
    keys: 3_000,
    alpha: 1,
    seed: 7,
    costs: 'lognormal',
    bytes: 2310,
  })
  // Ids as libCacheSim reads them, and times that grow.
  return { ...requests, at: requests.at.map((_, i) => 1_700_000_000_000 + 37 * i) }
}

it('our CSV is read as it was written', async () => {
  const requests = zipf()
  const { traces, notes } = await readTraces(await exported(requests, 'csv'))
  expect(notes).toEqual([])
  for (const name of REQUEST_COLUMNS) {
    // As bytes: a comparison number by number takes seconds.
    const [read, written] = [traces[0]!.requests[name], requests[name]].map(({ buffer }) => Buffer.from(buffer))
    expect(read!.equals(written!), name).toBe(true)
  }
})

it('oracleGeneral is read with its ids made into keys: the same pattern of requests, spread evenly', async () => {
  const requests = zipf()
  const { traces } = await readTraces(await exported(requests, 'oracleGeneral'))
  const read = traces[0]!.requests
  expect(read.length).toBe(requests.length)
  const names = new Map<number, number>()
  for (let i = 0; i < read.length; i++) {
    const key = names.get(requests.key[i]!) ?? read.key[i]
    names.set(requests.key[i]!, key!)
    expect(read.key[i]).toBe(key)
  }
  expect(new Set(names.values()).size).toBe(names.size)
  const low = [...names.values()].filter(key => key < KEY_SPAN / 4).length
  expect(low / names.size).toBeGreaterThan(0.2)
  expect(low / names.size).toBeLessThan(0.3)
})

describe('libCacheSim', () => {
  const missing = 'missing' in simulator ? ` (skipped: ${simulator.missing})` : ''
  it.skipIf(missing !== '')(`counts the same requests and hits in both exports${missing}`, async () => {
    const requests = zipf()
    const { python } = simulator as { python: string }
    const script = fileURLToPath(new URL('../../tuning/replay-export.py', import.meta.url))
    for (const format of EXPORT_FORMATS) {
      const path = await exported(requests, format)
      const told = execFileSync(python, [script, path, format, '50'], { encoding: 'utf8' })
      const { hits } = simulate(requests, { policy: 'lru', capacity: 50 })
      expect(JSON.parse(told), format).toEqual({ requests: requests.length, hits })
    }
  })
})

describe('a file from elsewhere', () => {
  const file = (content: string | Uint8Array) => {
    const path = join(temporaryFolder(), 'trace')
    fs.writeFileSync(path, content)
    return path
  }

  it('is CSV with columns of any order and name, or time, id and size without names', async () => {
    const named = 'timestamp, Key ,size,extra\r\n1.5,alpha,10,x\r\n2.5,beta,20,x\r\n# a note\r\n3.5,"alpha",10,"x, y"'
    const bare = '1.5,alpha,10\n2.5,beta,20\n\n3.5,alpha,10\n'
    const tabs = 'obj_id\tobj_size\nalpha\t10\nbeta\t20\nalpha\t10\n'
    const keys: number[][] = []
    for (const text of [named, bare, tabs]) {
      const { requests } = (await readTraces(file(text))).traces[0]!
      expect([...requests.bytes]).toEqual([10, 20, 10])
      expect([...requests.at]).toEqual(text === tabs ? [0, 0, 0] : [1500, 2500, 3500])
      keys.push([...requests.key])
    }
    expect(keys[0]![0]).toBe(keys[0]![2])
    expect(keys[0]![0]).not.toBe(keys[0]![1])
    expect(keys[1]).toEqual(keys[0])
    expect(keys[2]).toEqual(keys[0])
  })

  it('may be times of any unit, which are told by their size', async () => {
    const rows = [1_700_000_000, 1_700_000_000_000, 1_700_000_000_000_000, 1.7e18].map(time => `${time},a,1\n`)
    for (const row of rows) expect((await readTraces(file(row))).traces[0]!.requests.at[0]).toBe(1_700_000_000_000)
  })

  it('that is none is refused, with the row', async () => {
    const none = async (content: string | Uint8Array) =>
      readTraces(file(content)).then(
        () => 'read',
        error => `${error.code} ${error.message}`,
      )
    expect(await none('')).toMatch(/INVALID_INPUT .*empty/)
    for (const [rows, why] of [
      ['1,a,1\nsoon,b,1', /row 3: its time is no number/],
      ['-5,a,1', /row 2: its time .* before 1970/],
      ['0x10,a,1', /row 2: its time/],
      ['9e99,a,1', /row 2: its time/],
      ['1,a,-1', /row 2: its size is no number from 0 to 4294967295/],
      ['1,a,5e9', /row 2: its size/],
      ['1,a,1e300', /row 2: its size/],
      ['1,a,', /row 2: its size/],
      ['1,a', /row 2: its size/],
      ['1,"a,5', /row 2: a quotation mark/],
    ] as const) {
      expect(await none(`time,id,size\n${rows}\n`), rows).toMatch(why)
    }
    expect(await none('time,id,cost\n1,a,3e300\n')).toMatch(/row 2: its cost/)
    expect(await none('time,id,cache\n1,a,mine\n')).toMatch(/row 2: its cache is none of embeddings/)
    expect(await none('time,id,outcome\n1,a,mine\n')).toMatch(/row 2: its outcome is none of memory/)
    expect(await none('time,size\n1,1\n')).toMatch(/row 1: no column/)
    expect(await none('1,,5\n')).toMatch(/row 1: it does not say what/)
    // A log may hold anything.
    expect(await none('my secret, the word\n')).not.toMatch(/secret/)
    expect(await none(`1,${'a'.repeat(70_000)},5\n`)).toMatch(/row 1: it is too long/)
    expect(await none('a'.repeat(3_000_000))).toMatch(/INVALID_INPUT .*row 1: it is too long/)
    expect(await none('a poem\nof two lines\n')).toMatch(/INVALID_INPUT/)
    expect(await none(Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0]))).toMatch(/INVALID_INPUT .*zstd -d/)
    expect(await none(Uint8Array.from([1, 2, 3]))).toMatch(/INVALID_INPUT .*neither/)
    expect(await none(new Uint8Array(240))).toMatch(/INVALID_INPUT .*request 0: the number of the next/)
  })

  it('that is in disorder, or says no sizes, is read with a note', async () => {
    const { traces, notes } = await readTraces(file('time,id\n2,a\n1,b\n3,"a ""b"", c"\n'))
    expect([...traces[0]!.requests.at]).toEqual([2000, 2000, 3000])
    expect(notes).toEqual([expect.stringMatching(/does not say how large entries are.*1 request comes before/)])
  })

  it('of oracleGeneral that is cut is read up to the cut', async () => {
    const path = await exported(zipf(), 'oracleGeneral')
    fs.truncateSync(path, 100 * 24 + 5)
    const { traces, notes } = await readTraces(path)
    expect(traces[0]!.requests.length).toBe(100)
    expect(notes).toEqual([expect.stringContaining('its last 5 bytes were not read')])
  })
})
