// A page computes a model's space from the same small files as Node does: over HTTP, without opening the model.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { readModelSpec } from '../../src/embedder/model/spec.js'
import { findModel } from '../../src/hub/find.js'
import { readAssets } from '../../src/web/assets.js'
import { FileCache } from '../../src/web/file-cache.js'
import { webFolder } from '../../src/web/model-folder.js'
import { placesOf } from '../../src/web/options.js'
import { startServer, type TestServer } from '../browser/static-server.js'
import { root } from '../processes.js'

let server: TestServer | undefined
afterEach(() => server?.close())

it('the space of the built-in model is the same in a page and on Node', async () => {
  const builtinDir = join(root, 'dist/models/builtin')
  const manifest = JSON.parse(readFileSync(join(root, 'dist/op-dbus-assets.json'), 'utf8'))
  server = await startServer({
    folders: { '/assets/models/builtin/': builtinDir },
    files: { '/assets/op-dbus-assets.json': JSON.stringify({ ...manifest, package: '0.0.0-source' }) },
  })
  const places = placesOf({ assetsUrl: '/assets' }, 'https://app.example/web.js', `${server.url}/`)
  const warnings: string[] = []
  const timer = () => () => undefined
  const fileCache = new FileCache({ caches: undefined, timer, warn: message => warnings.push(message) })
  const files = (await readAssets(places, fileCache, { timer })).folder('models/builtin/')
  const inPage = await readModelSpec(webFolder('builtin', files, fileCache, {}), { dtype: 'int8', maxTokens: 128 })
  const onNode = await findModel('builtin', { builtinDir, env: {}, home: builtinDir })
  expect(inPage.space).toBe(onNode.space)
  expect({ ...inPage, files: undefined }).toEqual({ ...onNode, files: undefined })
  expect(server.requests.filter(path => path.endsWith('.onnx'))).toEqual([])
  expect(warnings).toEqual([
    'model files are fetched again at each visit: this page has no Cache API (it is not served over https)',
  ])
})

it.each([
  { option: 'assetsUrl', value: 'data:text/plain,x' },
  { option: 'assetsUrl', value: 'https://user@host/x' },
  { option: 'wasmPaths', value: 'http://[' },
  { option: 'hubUrl', value: 'ftp://hub' },
  { option: 'hubUrl', value: 7 },
])('$option $value is refused', ({ option, value }) => {
  expect(() => placesOf({ [option]: value }, 'https://app.example/web.js', 'https://app.example/')).toThrow(
    expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining(option) }),
  )
})
