// The step of the build that compiles wasm/: what it writes can be run as it is, and a source that is wrong stops it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { KERNELS_WASM } from '../../.build/wasm/kernels.js'
import { buildWasm } from '../../build/wasm.mjs'
import { temporaryFolder } from '../support.js'

const sourceDir = fileURLToPath(new URL('../../wasm', import.meta.url))

test('the code is small, imports a memory and nothing else, and is the same each time', async () => {
  const outDir = temporaryFolder()
  await buildWasm({ sourceDir, outDir, names: ['kernels'] })
  expect(readdirSync(outDir).sort()).toEqual(['kernels.d.ts', 'kernels.js'])
  expect(readFileSync(join(outDir, 'kernels.js'), 'utf8')).toContain(`'${KERNELS_WASM}'`)
  const code = Buffer.from(KERNELS_WASM, 'base64')
  // It is in every bundle that multiplies.
  expect(code.length).toBeLessThan(4096)
  const module = await WebAssembly.compile(code)
  expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }])
  const functions = WebAssembly.Module.exports(module).filter(({ kind }) => kind === 'function')
  expect(functions.map(({ name }) => name).sort()).toEqual(['dot', 'normalize', 'quantize', 'scanInt8'])
})

test('a source that does not compile is an error with the place', async () => {
  const folder = temporaryFolder()
  const outDir = join(folder, 'out')
  mkdirSync(join(folder, 'wasm'))
  writeFileSync(join(folder, 'wasm', 'broken.ts'), 'export function f(): i32 {\n  return nothing\n}\n')
  const building = buildWasm({ sourceDir: join(folder, 'wasm'), outDir, names: ['broken'] })
  await expect(building).rejects.toThrow(/wasm\/broken\.ts does not compile[\s\S]*nothing[\s\S]*broken\.ts\(2,/)
  expect(readdirSync(outDir)).toEqual([])
})
