// Cached embeddings over HTTP, against the least that node:http could do with the same serialiser: each in a process of its own, asked by wrk.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ChildTask } from '../child.js'
import type { Library } from '../library.js'
import { median, roundsOf } from '../measure.js'
import { openLoop } from '../open-loop.js'
import { rawServer } from '../peers/raw-server.js'
import { type Bench, type Measured, type RowGroup, Skipped, WrongAnswer } from '../row.js'
import { ownEmbedder, vectorOf } from './fixtures.js'

const CONNECTIONS = 50
const PEER = 'node:http, same serialiser'
/** Ticks of the system's clock in a second, as /proc counts them. */
const TICKS = 100

/** A server that ends with its standard input; its address is its first line. */
export const serveTask: ChildTask = async (library, which = '', folder = '') => {
  const server = which === 'ours' ? await ourServer(library, folder) : await rawServer(vectorOf)
  process.stdout.write(`${server.url}\n`)
  process.stdin.resume()
  await once(process.stdin, 'end')
  await server.close()
  return {}
}

async function ourServer(library: Library, folder: string) {
  const { serve } = await library.importServer()
  const dirs = { dir: join(folder, 'cache'), dataDir: join(folder, 'data') }
  return serve({ port: 0, socket: false, embedder: ownEmbedder, logLevel: 'error', ...dirs })
}

interface Served {
  readonly child: ChildProcess
  readonly url: string
}

async function withServers<T>({ library, folder }: Bench, work: (ours: Served, raw: Served) => Promise<T>): Promise<T> {
  const children: ChildProcess[] = []
  const started = async (which: string): Promise<Served> => {
    const words = ['serve', which, mkdtempSync(join(folder, 'serve-'))].flatMap(word => ['--child', word])
    const command = [fileURLToPath(import.meta.url), '--library', library.folder, ...words]
    const child = spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(child)
    for await (const url of createInterface({ input: child.stdout })) return { child, url }
    throw new Error(`the server ${which} does not start`)
  }
  try {
    return await work(await started('ours'), await started('raw'))
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
}

/** One request, and that both answer it with the same vectors. */
async function checkedBody(servers: readonly Served[], count: number, format: 'float' | 'base64'): Promise<string> {
  const texts = Array.from({ length: count }, (_, i) => `interface eth${i} is up`)
  const body = JSON.stringify({ input: count === 1 ? texts[0] : texts, encoding_format: format })
  const answers = []
  for (const { url } of servers) {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/v1/embeddings`, { method: 'POST', headers, body })
    answers.push(JSON.stringify(((await answer.json()) as { data: unknown }).data))
  }
  if (answers[0] !== answers[1] || answers[0] === undefined) throw new WrongAnswer('the daemon answers other vectors')
  return body
}

interface Load {
  readonly cpuMicros: number
  readonly perSecond: number
}

/** wrk on one server for `seconds`. */
function load({ child, url }: Served, script: string, seconds: number): Load {
  const ticks = () => {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  const before = ticks()
  const out = execFileSync('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-s', script, `${url}/v1/embeddings`], {
    encoding: 'utf8',
  })
  if (/Non-2xx/.test(out)) throw new WrongAnswer('it answers with errors')
  const requests = Number(/(\d+) requests in/.exec(out)?.[1])
  return {
    cpuMicros: ((ticks() - before) / TICKS / requests) * 1e6,
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1]),
  }
}

function scriptOf(folder: string, name: string, body: string): string {
  const path = join(folder, `${name}.lua`)
  writeFileSync(
    path,
    `wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [==[${body}]==]\n`,
  )
  return path
}

function needWrk(): void {
  try {
    execFileSync('wrk', ['-v'], { stdio: 'ignore' })
  } catch (error) {
    // It ends with 1 after telling its version.
    if ((error as { code?: string }).code === 'ENOENT') throw new Skipped('needs wrk: apt install wrk')
  }
  if (process.platform !== 'linux') throw new Skipped('CPU of another process is read from /proc')
}

const WARM_UP_SECONDS = 5

/** Medians over rounds in which both take turns. */
async function compared(bench: Bench, count: number, format: 'float' | 'base64') {
  needWrk()
  return withServers(bench, async (ours, raw) => {
    const script = scriptOf(bench.folder, `${format}-${count}`, await checkedBody([ours, raw], count, format))
    for (const server of [ours, raw]) load(server, script, WARM_UP_SECONDS)
    const sides = [ours, raw].map(server => ({ round: () => load(server, script, 2) }))
    const loads = await roundsOf(sides, bench.rounds, round => bench.progress(`round ${round} of ${bench.rounds}`))
    const figure = (what: keyof Load) => loads.map(rounds => median(rounds.map(one => one[what])))
    return { cpu: figure('cpuMicros'), rate: figure('perSecond') }
  })
}

export const serveOne: RowGroup = {
  id: 'serve-one',
  async run(bench: Bench): Promise<Measured[]> {
    const rows: Measured[] = []
    for (const format of ['base64', 'float'] as const) {
      const { cpu, rate } = await compared(bench, 1, format)
      const what = `a cached text over HTTP, ${format}`
      const peer = (value: number | undefined) => ({ name: PEER, value: value! })
      rows.push(
        {
          id: `serve-one-${format}`,
          what: `${what}: CPU`,
          unit: 'µs',
          ours: cpu[0]!,
          peer: peer(cpu[1]),
          hold: { side: 'at most', times: 1.5 },
        },
        {
          id: `serve-one-${format}-rate`,
          what: `${what}: requests`,
          unit: '1/s',
          ours: rate[0]!,
          peer: peer(rate[1]),
          hold: { side: 'at least', times: 0.65 },
        },
      )
    }
    return rows
  },
}

export const serve64: RowGroup = {
  id: 'serve-64',
  async run(bench: Bench): Promise<Measured[]> {
    const { cpu } = await compared(bench, 64, 'float')
    const what = '64 cached texts in one request, float: CPU'
    return [
      {
        id: 'serve-64',
        what,
        unit: 'µs',
        ours: cpu[0]!,
        peer: { name: PEER, value: cpu[1]! },
        hold: { side: 'at most', times: 1.3 },
      },
    ]
  },
}

export const serveOpenLoop: RowGroup = {
  id: 'serve-open-loop',
  async run(bench: Bench): Promise<Measured[]> {
    needWrk()
    return withServers(bench, async (ours, raw) => {
      const body = await checkedBody([ours, raw], 1, 'base64')
      const script = scriptOf(bench.folder, 'open', body)
      for (const server of [ours, raw]) load(server, script, WARM_UP_SECONDS)
      const rates: number[] = []
      const sides = [ours, raw].map(({ url }) => ({
        round: () => openLoop(url, body, { perSecond: rates.at(-1)!, seconds: 2, connections: CONNECTIONS }),
      }))
      const delays = await roundsOf(sides, bench.rounds, round => {
        bench.progress(`round ${round} of ${bench.rounds}`)
        // What it can do now: of a machine that has become slower, half of what it could would be too much for either.
        rates.push(load(raw, script, 1).perSecond / 2)
      })
      const [our = 0, their = 0] = delays.map(median)
      const what = `a cached text at ${Math.round(median(rates))} requests a second, half of what ${PEER} can do: p99`
      return [
        {
          id: 'serve-open-loop',
          what,
          unit: 'ms',
          ours: our,
          peer: { name: PEER, value: their },
          hold: { side: 'at most', times: 2 },
        },
      ]
    })
  },
}

export const serveMemory: RowGroup = {
  id: 'serve-memory',
  async run(bench: Bench): Promise<Measured[]> {
    needWrk()
    const most = bench.quick ? 100_000 : 1_000_000
    return withServers(bench, async (ours, raw) => {
      const script = scriptOf(bench.folder, 'memory', await checkedBody([ours, raw], 1, 'base64'))
      let asked = 0
      let first = 0
      const more = async (until: number) => {
        while (asked < until) {
          asked += 5 * load(ours, script, 5).perSecond
          bench.progress(`${Math.round(asked)} of ${most} requests`)
        }
      }
      await more(most / 10)
      first = residentOf(ours)
      await more(most)
      const what = `memory of the daemon, from ${most / 10} to ${most} requests`
      return [
        { id: 'serve-memory', what, unit: 'MB', ours: residentOf(ours) - first, hold: { side: 'at most', plus: 16 } },
      ]
    })
  },
}

function residentOf({ child }: Served): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1]) / 1024
}
