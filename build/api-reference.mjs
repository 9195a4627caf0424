// The reference of every exported name, by TypeDoc, in .build/api. A docstring that links to nothing, or a public type that is not
// exported, fails it. TypeDoc reads with TypeScript 6 while this project is checked by 7: so it has packages of its own (35 MB).
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ownPackages } from './own-packages.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const options = join(root, 'build', 'api-reference', 'typedoc.json')

const tools = ownPackages('api-reference')
if (tools === undefined) process.exit(1)
const typedoc = join(tools, 'node_modules', 'typedoc', 'bin', 'typedoc')
const { status } = spawnSync(process.execPath, [typedoc, '--options', options], { stdio: 'inherit' })
if (status === 0) console.error(`open ${join('.build', 'api', 'index.html')}`)
process.exit(status ?? 1)
