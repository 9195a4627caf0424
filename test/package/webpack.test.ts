// webpack 5: a page, and Node with CommonJS and with modules, with no line of configuration for op-dbus.
import { join } from 'node:path'
import { beforeAll, expect, it, vi } from 'vitest'
import { useBrowser } from '../browser/harness.js'
import { useConsumer } from './consumer.js'

vi.setConfig({ testTimeout: 180_000 })

const consumer = useConsumer('webpack', { page: true })
const browser = useBrowser()
let built: string

beforeAll(async () => {
  if (consumer.missing) return
  built = await consumer.tool('webpack-cli/bin/cli.js', [])
  console.log(consumer.versions('webpack', 'webpack-cli'))
}, 180_000)

it('builds without a warning', () => {
  expect(built.match(/compiled successfully/g)).toHaveLength(3)
})

it.each(['node.cjs', 'node.mjs'])('%s embeds on Node', async file => {
  const embedded = await consumer.embeds(join('dist', file))
  expect([embedded.source, embedded.device]).toEqual(['computed', 'cpu'])
  consumer.expectSame(embedded)
})

it.each(['/op-dbus/', '/no-worker/'])('a page embeds, assets at %s', async assetsUrl => {
  const server = await browser.serve(consumer.site('page.js'))
  await consumer.expectPage(browser, `${server.url}/`, assetsUrl)
  // Without a worker among the assets it is webpack's that runs.
  expect(server.requests.includes('/op-dbus/worker.js')).toBe(assetsUrl === '/op-dbus/')
})

it('a page that does not say where the assets are is told what to do', async () => {
  const server = await browser.serve(consumer.site('page.js'))
  const { page } = await browser.openPage(`${server.url}/`)
  await page.waitForFunction('globalThis.embed')
  const message = await page.evaluate('globalThis.embed({}).catch(error => error.message)')
  expect(message).toContain(`cannot fetch ${server.url}/op-dbus-assets.json: the server answers 404`)
  expect(message).toContain('op-dbus assets DIR')
})
