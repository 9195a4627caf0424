// Next.js 16, server and page, with no line of configuration for op-dbus: bundled by Turbopack, as `next build` does by itself, and
// with OP_DBUS_CAMPAIGN=full by webpack as well, which webpack.test.ts tests by itself.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { useBrowser } from '../browser/harness.js'
import { type Embedded, useConsumer } from './consumer.js'
import { TEXT } from './packed.js'

vi.setConfig({ testTimeout: 300_000 })

const consumer = useConsumer('next', { page: true })
const browser = useBrowser()

/** `next start` on a port of its own, until `use` is done with it. */
async function served(distDir: string, use: (url: string) => Promise<void>): Promise<void> {
  const next = join(consumer.dir, 'node_modules/next/dist/bin/next')
  const child = spawn(process.execPath, [next, 'start', '--port', '0', '--hostname', '127.0.0.1'], {
    cwd: consumer.dir,
    env: { ...consumer.env, DIST_DIR: distDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const gone = once(child, 'close')
  try {
    let said = ''
    const url = await new Promise<string>((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        said += chunk
        const found = /Local:\s+(http:\S+)/.exec(said)?.[1]
        if (found && /Ready/.test(said)) resolve(found)
      }
      child.stdout.on('data', hear)
      child.stderr.on('data', hear)
      child.once('close', code => reject(new Error(`next start ended with code ${code}: ${said}`)))
    })
    await use(url)
  } finally {
    child.kill()
    await gone
  }
}

const bundlers = process.env.OP_DBUS_CAMPAIGN === 'full' ? ['turbopack', 'webpack'] : ['turbopack']

it.each(bundlers)('%s: a server and a page embed as plain Node does', async bundler => {
  const distDir = `.next-${bundler}`
  const built = await consumer.tool('next/dist/bin/next', ['build', `--${bundler}`], { DIST_DIR: distDir })
  expect(built).toContain('Compiled successfully')
  expect(built).not.toContain('op-dbus')
  console.log(`${consumer.versions('next', 'react')}, ${bundler}`)
  await served(distDir, async url => {
    const response = await fetch(`${url}/api/embed?text=${encodeURIComponent(TEXT)}`)
    const onServer = (await response.json()) as Embedded
    expect([onServer.source, onServer.device]).toEqual(['computed', 'cpu'])
    consumer.expectSame(onServer)
    await consumer.expectPage(browser, url, '/op-dbus/')
  })
})
