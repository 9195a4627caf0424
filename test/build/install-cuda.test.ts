// The CUDA installer says what it needs; nothing is fetched here.
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../processes.js'
import { temporaryFolder } from '../support.js'

const elsewhere = `${process.platform}-${process.arch}` !== 'linux-x64'
const install = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'build/install-cuda.mjs'), ...args], { encoding: 'utf8' })
const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'))
const binaries = () => readdirSync(join(runtime, 'bin/napi-v6/linux/x64')).sort()

test.skipIf(elsewhere)('a folder without both libraries is refused by name, and nothing is copied', () => {
  const dir = temporaryFolder()
  const before = binaries()
  writeFileSync(join(dir, 'libonnxruntime_providers_shared.so'), '')
  const { status, stderr } = install('--from', dir)
  expect(status).toBe(1)
  expect(stderr).toContain('does not hold libonnxruntime_providers_cuda.so')
  expect(binaries()).toEqual(before)
})

test('an option it does not know is a wrong call', () => {
  const { status, stderr } = install('--cuda13')
  expect(status).toBe(1)
  expect(stderr).toMatch(/unknown option|Unknown option/)
  expect(stderr).toContain('usage:')
})
