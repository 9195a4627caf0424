// Snapshots in S3, on a server of the tests' own with faults, and on moto where that is installed.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { exportEmbeddings, importEmbeddings } from '../../src/node/snapshots.js'
import { cli, runCli } from '../processes.js'
import { BUCKET, CREDENTIALS, environment, findMoto, S3Server, startMoto } from '../stores/s3-server.js'
import { Machine } from './snapshot-machine.js'

let one: Machine
let two: Machine
beforeEach(() => {
  one = new Machine()
  two = new Machine()
})

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  vi.unstubAllEnvs()
})

describe('a snapshot in S3', () => {
  let server: S3Server
  beforeAll(async () => {
    server = await S3Server.start()
  })
  afterAll(() => server.stop())
  const stub = (env: Record<string, string>) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  }

  async function goesAround(): Promise<void> {
    const bucket = `s3://${BUCKET}/caches/one`
    await one.ask(0, 3000)
    expect(await exportEmbeddings(bucket, one.options)).toMatchObject({
      at: bucket,
      spaces: [{ snapshot: 1, sent: { segments: 1 } }],
    })
    expect(await exportEmbeddings(bucket, one.options)).toMatchObject({
      spaces: [{ changed: false, sent: { segments: 0 } }],
    })
    await one.ask(3000, 3010)
    expect(await exportEmbeddings(bucket, one.options)).toMatchObject({
      spaces: [{ snapshot: 2, sent: { segments: 1 } }],
    })
    expect(await importEmbeddings(bucket, two.options)).toMatchObject({ spaces: [{ records: 3010, segments: 2 }] })
    expect(await two.ask(0, 3010)).toBe(0)
  }

  it('goes around, with faults on every way; two exports at once take two numbers', async () => {
    stub(server.env)
    const faulty = new Set<string>()
    server.fault = ({ method, key, headers }) => {
      const once = `${method} ${key}`
      if (faulty.has(once)) return undefined
      faulty.add(once)
      if (method === 'PUT') return key.endsWith('.json') ? 'reset' : { status: 500 }
      return headers.range === undefined && key.endsWith('.vec')
        ? { cutAfter: 100_000 }
        : { status: 503, headers: { 'retry-after': '0' } }
    }
    await goesAround()
    expect(faulty.size).toBeGreaterThan(6)
    server.fault = () => undefined

    await one.ask(4000, 4010)
    await two.ask(5000, 5010)
    const bucket = `s3://${BUCKET}/caches/one`
    const both = await Promise.all([exportEmbeddings(bucket, one.options), exportEmbeddings(bucket, two.options)])
    expect(both.map(({ spaces }) => spaces[0]!.snapshot).sort()).toEqual([3, 4])
  })

  it('is told about on the command line, and what is refused is too, without a secret', async () => {
    server.objects.clear()
    const env = { ...server.env, HOME: one.dir }
    await one.ask(0, 30)
    const bucket = `s3://${BUCKET}/cli`
    const run = (machine: Machine, ...args: string[]) =>
      runCli(machine.dir, ['cache', ...args], { env: { ...env, HOME: machine.dir } })
    const sent = await run(one, 'export', bucket)
    expect(sent).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/ one +30 .*\nin s3:\/\/vectors\/cli\n$/s),
    })
    const came = await run(two, 'import', bucket, '--json')
    expect(JSON.parse(came.stdout)).toMatchObject({ at: bucket, spaces: [{ records: 30 }] })
    expect(await two.ask(0, 30)).toBe(0)

    const [name, bytes] = [...server.objects].find(([key]) => key.endsWith('.vec'))!
    server.objects.set(name, Buffer.from(bytes).fill(1, 100, 110))
    const refused = await run(new Machine(), 'import', bucket)
    expect(refused).toMatchObject({
      code: 7,
      stderr: expect.stringMatching(/is refused: its bytes have another SHA-256.*\n.*was not put in the cache/),
    })
    const denied = await runCli(one.dir, ['cache', 'export', bucket], {
      env: { ...env, AWS_SECRET_ACCESS_KEY: 'no-such-secret' },
    })
    expect(denied).toMatchObject({ code: 6, stderr: expect.stringContaining('AWS_SECRET_ACCESS_KEY') })
    for (const { stderr, stdout } of [sent, came, refused, denied]) {
      for (const secret of [CREDENTIALS.secretAccessKey, 'no-such-secret'])
        expect(stderr + stdout).not.toContain(secret)
    }
    const none = await runCli(one.dir, ['cache', 'export', bucket])
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('set AWS_ACCESS_KEY_ID') })
  })

  it('goes on in another process where one was killed half-way', async () => {
    server.objects.clear()
    stub(server.env)
    await one.ask(0, 2000)
    const bucket = `s3://${BUCKET}/killed`
    await exportEmbeddings(bucket, one.options)
    server.fault = ({ key }) => (key.endsWith('.vec') ? { stallAfter: 300_000 } : undefined)
    const env = { PATH: process.env.PATH, HOME: two.dir, OPDBUS_CACHE_DIR: two.dir, ...server.env }
    const child = spawn(process.execPath, [cli, 'cache', 'import', bucket], { env, stdio: 'ignore' })
    children.push(child)
    const place = join(two.dir, 'embeddings', 'importing')
    const sizes = () => (existsSync(place) ? readdirSync(place) : []).map(name => statSync(join(place, name)).size)
    await expect.poll(() => Math.max(0, ...sizes()), { timeout: 20_000 }).toBe(300_000)
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('exit', resolve))

    server.fault = () => undefined
    server.asked.length = 0
    expect(await importEmbeddings(bucket, two.options)).toMatchObject({ spaces: [{ records: 2000 }] })
    expect(server.asked.find(({ key }) => key.endsWith('.vec'))!.headers.range).toBe('bytes=300000-')
    expect(await two.ask(0, 2000)).toBe(0)
  })

  const moto = findMoto()
  it.skipIf('missing' in moto)(`goes around in moto${'missing' in moto ? ` (${moto.missing})` : ''}`, async () => {
    const { endpoint, stop } = await startMoto('path' in moto ? moto.path : '')
    try {
      stub(environment(endpoint))
      await fetch(`${endpoint}/${BUCKET}`, { method: 'PUT' })
      await goesAround()
    } finally {
      await stop()
    }
  })
})
