// Brings ONNX Runtime's CUDA provider, which npm does not carry, beside the runtime; then asks `doctor` whether it computes.
//
//   npm run install:cuda                 from Microsoft's feed (Linux x64, CUDA 12 and cuDNN 9 on the machine)
//   npm run install:cuda -- --from DIR   from a folder that holds the two libraries, of the same version as the runtime
//
// @ts-check
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** Provider and runtime share a private C++ interface: they work together only if they are of one version. */
const LIBRARIES = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so']
const root = dirname(dirname(fileURLToPath(import.meta.url)))

const { from } = readArguments()
if (`${process.platform}-${process.arch}` !== 'linux-x64') {
  fail(`the CUDA provider exists for linux-x64, not for ${process.platform}-${process.arch}`)
}
const runtime = findRuntime()
const target = join(runtime.folder, 'bin', 'napi-v6', 'linux', 'x64')
if (from === undefined) download()
else copyFrom(resolve(from))
console.error(`the CUDA provider lies in ${target}; now op-dbus doctor --device cuda:`)
process.exit(run([join(root, 'dist', 'cli.js'), 'doctor', '--device', 'cuda']))

function readArguments() {
  try {
    return parseArgs({ options: { from: { type: 'string' } } }).values
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : error}\nusage: npm run install:cuda [-- --from DIR]`)
  }
}

function findRuntime() {
  try {
    const manifest = createRequire(join(root, 'package.json')).resolve('onnxruntime-node/package.json')
    return { folder: dirname(manifest), version: JSON.parse(readFileSync(manifest, 'utf8')).version }
  } catch {
    return fail('onnxruntime-node is not installed: npm ci')
  }
}

/** The runtime's own script knows where the files of its version lie. */
function download() {
  console.error(`fetching the CUDA 12 provider of ONNX Runtime ${runtime.version} from Microsoft's feed ...`)
  const script = join(runtime.folder, 'script', 'install.js')
  const code = run([script, '--onnxruntime-node-install=cuda12'], { ONNXRUNTIME_NODE_INSTALL: 'cuda12' })
  const missing = LIBRARIES.filter(name => !existsSync(join(target, name)))
  if (code === 0 && missing.length === 0) return
  fail(
    'the feed did not deliver (see above). Behind a proxy set GLOBAL_AGENT_HTTPS_PROXY. Without network, take the files' +
      ` ${LIBRARIES.join(' and ')} of version ${runtime.version} from the NuGet package Microsoft.ML.OnnxRuntime.Gpu.Linux` +
      ' or the Python wheel onnxruntime-gpu, and give their folder with --from',
  )
}

/** @param {string} folder */
function copyFrom(folder) {
  const missing = LIBRARIES.filter(name => !existsSync(join(folder, name)))
  if (missing.length > 0) fail(`${folder} does not hold ${missing.join(' and ')}`)
  for (const name of LIBRARIES) copyFileSync(join(folder, name), join(target, name))
}

/**
 * @param {string[]} command
 * @param {Record<string, string>} [env]
 */
function run(command, env = {}) {
  return spawnSync(process.execPath, command, { stdio: 'inherit', env: { ...process.env, ...env } }).status ?? 1
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(`install:cuda: ${message}`)
  process.exit(1)
}
