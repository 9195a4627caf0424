// Rollup 4: a page, and Node with CommonJS and with modules, with its two usual plugins.
import { join } from 'node:path'
import { beforeAll, expect, it, vi } from 'vitest'
import { useBrowser } from '../browser/harness.js'
import { useConsumer } from './consumer.js'

vi.setConfig({ testTimeout: 180_000 })

const consumer = useConsumer('rollup', { page: true })
const browser = useBrowser()

beforeAll(async () => {
  if (consumer.missing) return
  const built = await consumer.tool('rollup/dist/bin/rollup', ['-c'])
  expect(built).not.toMatch(/\(!\)|warning/i)
  console.log(consumer.versions('rollup', '@rollup/plugin-node-resolve', '@rollup/plugin-commonjs'))
}, 180_000)

it.each(['esm/node.mjs', 'cjs/node.cjs'])('%s embeds on Node', async file => {
  const embedded = await consumer.embeds(join('dist', file))
  expect([embedded.source, embedded.device]).toEqual(['computed', 'cpu'])
  consumer.expectSame(embedded)
})

it('a page embeds, with the worker from the assets', async () => {
  const server = await browser.serve(consumer.site('page.js'))
  await consumer.expectPage(browser, `${server.url}/`, '/op-dbus/')
})
