// esbuild for Node, with CommonJS and with modules, with no option for op-dbus; and what a bundle says that lacks its package.
// Pages that esbuild has bundled are in browser.test.ts.
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { runNode } from '../processes.js'
import { newFolder } from '../support.js'
import { useConsumer } from './consumer.js'

vi.setConfig({ testTimeout: 120_000 })

const consumer = useConsumer('esbuild')
const elsewhere = newFolder()
afterAll(() => rmSync(elsewhere, { recursive: true, force: true }))

const BUNDLES = [
  { format: 'esm', file: 'dist/node.mjs' },
  { format: 'cjs', file: 'dist/node.cjs' },
]

beforeAll(async () => {
  if (consumer.missing) return
  for (const { format, file } of BUNDLES) {
    const args = ['src/node.js', '--bundle', '--platform=node', `--format=${format}`, `--outfile=${file}`]
    expect(await consumer.tool('esbuild/bin/esbuild', [...args, '--log-level=warning'])).toBe('')
  }
  console.log(consumer.versions('esbuild'))
})

it.each(BUNDLES)('a bundle embeds on Node: $format', async ({ file }) => {
  const embedded = await consumer.embeds(file)
  expect([embedded.source, embedded.device]).toEqual(['computed', 'cpu'])
  consumer.expectSame(embedded)
})

it.each(BUNDLES)('a bundle that runs where op-dbus is not installed says what to do: $format', async ({ file }) => {
  cpSync(join(consumer.dir, file), join(elsewhere, file))
  const { code, stdout, stderr } = await runNode([file], { cwd: elsewhere, env: consumer.env })
  expect([code, stderr]).toEqual([0, ''])
  const { code: said, message } = JSON.parse(stdout)
  expect(said).toBe('STORE')
  expect(message).toMatch(/^op-dbus \S+ was bundled and does not find its files.*install it.*external package$/)
})
