// Runs the tests that a change touches: those that import a changed file, as vitest knows them, and those that see it from outside
// (tests-of.mjs). What it leaves out it does not judge: `npm test` does.
//
//   npm run test:changed                 what differs from the last commit, new files included
//   npm run test:changed -- main         what differs from where this branch left main
//   npm run test:changed -- main --bail 1    all that follows goes to vitest
//
// @ts-check
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testsOf } from './tests-of.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [first, ...others] = process.argv.slice(2)
const named = first !== undefined && !first.startsWith('-')
const ref = named ? first : 'HEAD'
const rest = named || first === undefined ? others : [first, ...others]

const base = git(['merge-base', ref, 'HEAD']).trim()
const paths = [
  ...git(['diff', '--name-only', '--no-renames', '-z', base]).split('\0'),
  ...git(['ls-files', '--others', '--exclude-standard', '-z']).split('\0'),
].filter(path => path !== '')
if (paths.length === 0) {
  console.error(`nothing differs from ${ref}`)
  process.exit(0)
}
const files = [...paths.filter(path => existsSync(join(root, path))), ...testsOf(paths).flatMap(filesBelow)]
const command = ['node_modules/vitest/vitest.mjs', 'related', '--run', '--passWithNoTests', ...new Set(files), ...rest]
const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' })
process.exit(status ?? 1)

/** @param {string} path of a test, or of a folder @returns {string[]} */
function filesBelow(path) {
  const at = join(root, path)
  if (!existsSync(at)) throw new Error(`build/tests-of.mjs names ${path}, which is not there`)
  if (!statSync(at).isDirectory()) return [path]
  const names = readdirSync(at, { recursive: true, encoding: 'utf8' }).map(name => name.replaceAll('\\', '/'))
  return names
    .filter(name => name.endsWith('.test.ts') && !name.includes('node_modules/'))
    .map(name => `${path}/${name}`)
}

/** @param {readonly string[]} args */
function git(args) {
  const { status, stdout, stderr, error } = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status === 0) return stdout
  console.error(`test:changed: git ${args.join(' ')}: ${error?.message ?? stderr.trim()}`)
  process.exit(1)
}
