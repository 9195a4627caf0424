// Packs the package as npm would publish it, and lets publint and attw look at what is in it.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), 'op-dbus-pack-'))
let failed = false

function run(name, command, args) {
  console.log(`${name} ...`)
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' })
  if (result.status === 0) return result.stdout
  process.stdout.write(result.stdout ?? '')
  console.error(`${name}: ${result.error?.message ?? `exit code ${result.status}`}`)
  failed = true
  return undefined
}

try {
  // The build has just run: --ignore-scripts keeps `prepack` from running it again.
  const packed = run('npm pack', 'npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
  if (packed !== undefined) {
    const [{ filename, size, entryCount }] = JSON.parse(packed)
    console.log(`${filename}: ${entryCount} files, ${(size / 1e6).toFixed(1)} MB`)
    const bin = name => join(root, 'node_modules', name)
    const tarball = join(folder, filename)
    run('publint', process.execPath, [bin('publint/src/cli.js'), 'run', '--strict', tarball])
    // The package is ESM only; Node 20.19 and newer can require() it, and TypeScript knows that from 5.8 on (`nodenext`). What
    // attw says of `require` is about older ones.
    const attw = bin('@arethetypeswrong/cli/dist/index.js')
    run('attw', process.execPath, [attw, tarball, '--profile', 'strict', '--ignore-rules', 'cjs-resolves-to-esm'])
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(failed ? 1 : 0)
