// The programs in examples/, each run as its first lines say, on a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'
import { afterEach, expect, it } from 'vitest'
import { ENSURE_MS, ensureChromium } from '../browser/chromium.js'
import { root, runCli, runNode } from '../processes.js'
import { temporaryFolder } from '../support.js'

const example = (name: string) => join(root, 'examples', name)
const environment = (dir: string) => ({ PATH: process.env.PATH ?? '', HOME: dir, OPDBUS_CACHE_DIR: join(dir, 'cache') })

function run(name: string, args: readonly string[], dir: string, input = '') {
  return runNode([example(name), ...args], { env: environment(dir), input })
}

const started: ChildProcess[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

/** A program that serves until it is told to end; `url` is the first line that it prints. */
async function serve(name: string, args: readonly string[], dir: string) {
  const child = spawn(process.execPath, [example(name), ...args], { env: environment(dir), stdio: 'pipe' })
  started.push(child)
  const errors = createInterface({ input: child.stderr })[Symbol.asyncIterator]()
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  for await (const url of createInterface({ input: child.stdout })) return { url, child, errors, ended }
  throw new Error((await errors.next()).value)
}

it('own-embedder: like spellings are alike; what was computed is kept', async () => {
  const dir = temporaryFolder()
  const texts = ['Created contianer 100', 'Created container 100', 'Deleted volume 7']
  const first = await run('own-embedder.mjs', texts, dir)
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(first.stdout).toBe(
    '1.00  computed  Created contianer 100\n0.83  computed  Created container 100\n0.00  computed  Deleted volume 7\n',
  )
  expect((await run('own-embedder.mjs', texts, dir)).stdout).toBe(first.stdout.replaceAll('computed', 'disk    '))
})

it('log-pipeline: tells the line that is like no other, once', async () => {
  const lines = Array.from(
    { length: 60 },
    (_, i) => `Created container ${i + 1}\nuser root logged in from 10.0.0.${i + 1}\n`,
  )
  const odd = 'kernel panic: out of memory\n'
  const { code, stdout, stderr } = await run('log-pipeline.mjs', [], temporaryFolder(), lines.join('') + odd + odd)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^0\.\d\d {2}kernel panic: out of memory\n {6}nearest: .+\n$/)
  expect(stderr).toBe('122 lines, 3 templates, 98 % of the vectors from the cache\n')
})

it('http-handler: answers, refuses, and drops what a client that left had asked for', async () => {
  const { url, child, errors, ended } = await serve('http-handler.mjs', [], temporaryFolder())
  const post = (body: string) => fetch(url, { method: 'POST', body })
  const { dims, sources, vectors } = (await (await post('eth0 is up\neth0 is up\n')).json()) as {
    dims: number
    sources: string[]
    vectors: number[][]
  }
  expect([dims, sources, vectors.map(vector => vector.length)]).toEqual([512, ['computed', 'memory'], [512, 512]])
  expect((await fetch(url)).status).toBe(405)
  expect((await post('x'.repeat(1_000_001))).status).toBe(413)

  // Seconds of work for nobody: the whole question arrives, and its client goes.
  const body = Array.from({ length: 4000 }, (_, i) => `line ${i} of a client that leaves`).join('\n')
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.end(`POST /embed HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  socket.resume()
  expect((await errors.next()).value).toBe('a client left: ABORTED')

  expect((await post('eth0 is up')).status).toBe(200)
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})

it(
  'page: without a bundler, from the files that `op-dbus assets` writes',
  async () => {
    const dir = temporaryFolder()
    const assets = join(dir, 'assets')
    expect((await runCli(dir, ['assets', assets, '--quiet'])).code).toBe(0)
    const { url } = await serve('page/server.mjs', ['0', assets], dir)
    for (const path of ['/op-dbus/../index.html', '/op-dbus/%2e%2e/cache', '/op-dbus/%']) {
      expect((await fetch(new URL(url).origin + path)).status).toBe(404)
    }
    const browser = await chromium.launch({ executablePath: await ensureChromium(), args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage()
      await page.goto(url)
      await page.getByRole('button', { name: 'Embed' }).click()
      await page.getByText(/^computed, 512 dims, .* \(computed by (wasm|webgpu)\)$/).waitFor()
      await page.reload()
      await page.getByRole('button', { name: 'Embed' }).click()
      await page.getByText(/^disk, 512 dims/).waitFor()
      expect(await page.evaluate('crossOriginIsolated')).toBe(true)
    } finally {
      await browser.close()
    }
  },
  ENSURE_MS,
)
