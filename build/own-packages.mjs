// Packages that one task alone needs: a folder `build/NAME` with a manifest and a lock file of its own, installed into `.build/NAME`
// when the task first asks for it, so that `npm ci` stays small. Runs no script of theirs.
//
//   node build/own-packages.mjs NAME
//
// @ts-check
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * The folder that holds their `node_modules`; undefined where npm could not install them, and npm has said why.
 * @param {string} name
 */
export function ownPackages(name) {
  const from = join(root, 'build', name)
  const to = join(root, '.build', name)
  const isThere = () =>
    existsSync(join(to, 'node_modules', '.package-lock.json')) &&
    readFileSync(join(to, 'package-lock.json')).equals(readFileSync(join(from, 'package-lock.json')))
  if (isThere()) return to
  console.error(`installing ${join('build', name)} (npm ci) ...`)
  // Beside it, and there at once: several test files may ask at the same time, and npm empties a folder before it fills it.
  const own = `${to}.${process.pid}`
  mkdirSync(own, { recursive: true })
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(from, file), join(own, file))
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const { status } = spawnSync('npm', args, { cwd: own, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  try {
    if (status === 0 && !isThere()) {
      rmSync(to, { recursive: true, force: true })
      renameSync(own, to)
    }
  } catch (error) {
    // Another was faster by a hair.
    if (!isThere()) throw error
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
  return status === 0 ? to : undefined
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = ''] = process.argv.slice(2)
  process.exit(ownPackages(name) === undefined ? 1 : 0)
}
