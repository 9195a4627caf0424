// Packages that one task alone needs: a folder `build/NAME` with a manifest and a lock file of its own, installed into `.build/NAME`
// when the task first asks for it, so that `npm ci` stays small. Runs no script of theirs.
//
//   node build/own-packages.mjs NAME
//
// @ts-check
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
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
  const installed = join(to, 'node_modules', '.package-lock.json')
  const lock = join(to, 'package-lock.json')
  if (existsSync(installed) && readFileSync(lock).equals(readFileSync(join(from, 'package-lock.json')))) return to
  console.error(`installing ${join('build', name)} (npm ci) ...`)
  mkdirSync(to, { recursive: true })
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(from, file), join(to, file))
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const { status } = spawnSync('npm', args, { cwd: to, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  return status === 0 ? to : undefined
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = ''] = process.argv.slice(2)
  process.exit(ownPackages(name) === undefined ? 1 : 0)
}
