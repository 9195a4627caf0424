// The reference of every exported name, by TypeDoc, in .build/api. A docstring that links to nothing, or a public type that is not
// exported, fails it. TypeDoc reads with TypeScript 6 while this project is checked by 7: so it has a lock file and packages of its
// own (35 MB), which are installed when they are first needed.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const from = join(root, 'build', 'api-reference')
const tools = join(root, '.build', 'api-reference')

const installed = join(tools, 'node_modules', '.package-lock.json')
const lock = join(tools, 'package-lock.json')
const same = existsSync(installed) && readFileSync(lock).equals(readFileSync(join(from, 'package-lock.json')))
if (!same) {
  console.error('installing TypeDoc (npm ci) ...')
  mkdirSync(tools, { recursive: true })
  for (const name of ['package.json', 'package-lock.json']) cpSync(join(from, name), join(tools, name))
  const windows = process.platform === 'win32'
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const { status } = spawnSync('npm', args, { cwd: tools, stdio: ['ignore', 2, 2], shell: windows })
  if (status !== 0) process.exit(status ?? 1)
}

const typedoc = join(tools, 'node_modules', 'typedoc', 'bin', 'typedoc')
const { status } = spawnSync(process.execPath, [typedoc, '--options', join(from, 'typedoc.json')], { stdio: 'inherit' })
if (status === 0) console.error(`open ${join('.build', 'api', 'index.html')}`)
process.exit(status ?? 1)
