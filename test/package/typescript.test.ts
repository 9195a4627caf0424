// The types as a stranger's TypeScript finds them, in every way that it resolves a package; the compiler that npm has had longest
// in use, and not this project's own.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, it, vi } from 'vitest'
import { runNode } from '../processes.js'
import { useConsumer } from './consumer.js'

vi.setConfig({ testTimeout: 120_000 })

const consumer = useConsumer('typescript')

const COMPILE = fileURLToPath(new URL('compile.mjs', import.meta.url))

/** What each entry is for, with a type of its own that the others lack; one line must not check. */
const USE = `import { openCaches } from 'op-dbus'
import { type OpenOptions as OnNode, listModels } from 'op-dbus/node'
import { openCaches as openInPage, type OpenOptions as InPage } from 'op-dbus/web'
import { openKernels } from 'op-dbus/kernels'
import { openState, type StatePlugin } from 'op-dbus/state'
import { type Block, openChain } from 'op-dbus/blockchain'
import { type Daemon, type ServeOptions, serve } from 'op-dbus/server'
export const onNode: OnNode = { dir: '/tmp', device: 'cpu' }
export const inPage: InPage = { assetsUrl: '/op-dbus/' }
export async function use(): Promise<Float32Array> {
  const caches = await openCaches({ device: 'wasm' })
  await openInPage(inPage)
  await openKernels()
  await listModels(onNode)
  const mine: StatePlugin | undefined = undefined
  await openState({ caches, plugins: mine ? [mine] : [] })
  const chain = await openChain({ caches, dataDir: '/tmp' })
  const last: Block | undefined = await chain.getBlock('latest')
  if (last) await chain.close()
  const serving: ServeOptions = { port: 0, models: ['low'] }
  const daemon: Daemon = await serve(serving)
  await daemon.close()
  return (await caches.embeddings.getOrEmbed('a')).vector
}
// @ts-expect-error: a page has no folder
export const wrong: InPage = { dir: '/tmp' }
`

const WAYS = [
  { module: 'commonjs', moduleResolution: 'node10', files: ['use.ts'], more: ['--skipLibCheck'] },
  { module: 'esnext', moduleResolution: 'bundler', files: ['use.ts'], more: ['--skipLibCheck'] },
  // With the declarations themselves checked, as a project may do that leaves out --skipLibCheck.
  { module: 'nodenext', moduleResolution: 'nodenext', files: ['use.mts', 'use.cts'], more: [] },
  // Likewise, on a server, which knows no DOM.
  { module: 'nodenext', moduleResolution: 'nodenext', files: ['use.mts'], more: ['--lib', 'es2023,esnext.disposable'] },
]

/** Which is older than require() of modules. */
const OLD = { module: 'node16', moduleResolution: 'node16', files: ['use.mts', 'use.cts'], more: ['--skipLibCheck'] }

/** What the compiler says, by way, the old one last. */
let said: readonly string[]

beforeAll(async () => {
  if (consumer.missing) return
  for (const file of ['use.ts', 'use.mts', 'use.cts']) writeFileSync(join(consumer.dir, file), USE)
  console.log(consumer.versions('typescript'))
  const options = { cwd: consumer.dir, env: consumer.env, input: JSON.stringify([...WAYS, OLD].map(commandLine)) }
  const { code, stdout, stderr } = await runNode([COMPILE, consumer.dir], options)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  said = JSON.parse(stdout)
})

it.each(WAYS)('module $module, moduleResolution $moduleResolution: $files', way => {
  expect(said[WAYS.indexOf(way)]).toBe('')
})

it('node16, which is older than require() of modules, says so in CommonJS and nowhere else', () => {
  const errors = said
    .at(-1)!
    .trim()
    .split('\n')
    .filter(line => !line.startsWith(' '))
  expect(errors.length).toBeGreaterThan(0)
  for (const line of errors) expect(line).toMatch(/^use\.cts.*TS1479/)
})

function commandLine({ files, module, moduleResolution, more }: (typeof WAYS)[number]): readonly string[] {
  const target = ['--target', 'es2022', '--types', 'node']
  const lib = more.includes('--lib') ? [] : ['--lib', 'es2023,dom,dom.iterable,esnext.disposable']
  const how = [...lib, '--strict', '--noEmit', '--module', module, '--moduleResolution', moduleResolution]
  return [...files, ...more, ...target, ...how]
}
