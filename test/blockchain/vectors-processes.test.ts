// Vectors of a chain on the disk that several processes work with, one of which is killed while it writes them.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { root } from '../processes.js'
import { memoryFolder } from '../support.js'

/** A module script over the built chain, whose embedder says what it is asked. */
function script(dir: string, body: string): string {
  return `
    import { openChain } from ${JSON.stringify(new URL('../../dist/blockchain.js', import.meta.url).href)}
    const say = value => process.stdout.write(JSON.stringify(value) + '\\n')
    const embedder = {
      space: 'numbers', dims: 4, maxBatch: 64,
      async embed(texts) {
        say({ embedded: texts.length })
        return Float32Array.from(texts.flatMap(text => {
          const x = Number(text.split(' ')[1] ?? 0)
          return [Math.cos(x / 1000), Math.sin(x / 1000), 0, 0]
        }))
      },
    }
    const chain = await openChain({ dataDir: ${JSON.stringify(dir)}, dir: ${JSON.stringify(`${dir}/cache`)}, embedder, embeddingDiskCache: false })
    const numbers = ({ found }) => found.map(({ block }) => block.number)
    ${body}
    await chain.close()
  `
}

interface Running {
  readonly lines: AsyncIterableIterator<string>
  readonly end: Promise<unknown>
  kill(): void
}

function start(dir: string, body: string): Running {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script(dir, body)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const end = new Promise(resolve => child.once('close', resolve))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { lines, end, kill: () => void child.kill('SIGKILL') }
}

async function said({ lines, end }: Running): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const line of lines) all.push(JSON.parse(line))
  await end
  return all
}

it('goes on where a process was killed in mid-write, computes no sealed vector again, and is sound', async () => {
  const dir = memoryFolder()
  const count = 2000
  const footprint = `Array.from({ length: ${count} }, (_, i) => ({ plugin_id: 'net', operation: 'apply', text: 'text ' + i }))`
  const first = start(
    dir,
    `await chain.addBatch(${footprint}); await chain.search('text 1'); await new Promise(() => setInterval(() => {}, 1e6))`,
  )
  let embedded = 0
  try {
    for await (const line of first.lines) {
      embedded += (JSON.parse(line) as { embedded: number }).embedded
      // In its fifth batch of 256, the query aside.
      if (embedded > 1024 + 65) break
    }
  } finally {
    first.kill()
    await first.end
  }
  const search = `
    let report = await chain.search('text 700', { k: 1 })
    while (report.pending > 0) {
      await new Promise(resolve => setImmediate(resolve))
      report = await chain.search('text 700', { k: 1 })
    }
    say({ found: numbers(report), searched: report.searched })
    const { faults } = await chain.verify({ full: true })
    say({ faults: faults.filter(({ kind }) => kind === 'vector') })`
  const second = start(dir, search)
  const all = await said(second).finally(() => second.kill())
  expect(all.slice(-2)).toEqual([{ found: [700], searched: count }, { faults: [] }])
  const again = all.slice(0, -2).reduce((sum: number, one) => sum + (one as { embedded: number }).embedded, 0)
  expect(again).toBeLessThanOrEqual(count - 1024 + 1)
})

it('lets two processes search at once: one makes the vectors, both find', async () => {
  const dir = memoryFolder()
  const add = start(
    dir,
    `await chain.addBatch(Array.from({ length: 200 }, (_, i) => ({ plugin_id: 'net', operation: 'apply', text: 'text ' + 10 * i })))`,
  )
  await said(add).finally(() => add.kill())
  const two = [70, 80].map(i => start(dir, `say(numbers(await chain.search('text ' + ${i}, { k: 1 })))`))
  const answers = await Promise.all(two.map(said)).finally(() => two.forEach(one => void one.kill()))
  expect(answers.map(all => all.at(-1))).toEqual([[7], [8]])
  const embedded = answers.flat().reduce((sum: number, one) => sum + ((one as { embedded?: number }).embedded ?? 0), 0)
  expect(embedded).toBeLessThanOrEqual(202)
})
