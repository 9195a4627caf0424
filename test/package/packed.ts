// The package as npm publishes it, packed once for each build, and installed once into an empty project, as strangers do it. Both lie
// below .build; the folders of further projects lie inside of that project, and find the package above themselves.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { oneAtATime } from '../../build/one-at-a-time.mjs'
import { root, runNode } from '../processes.js'

const run = promisify(execFile)
const BUILD = join(root, '.build')
/** For `npm install`: nothing that asks a registry for more than packages. */
export const QUIET = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
/** What every project embeds. */
export const TEXT = 'Created container 100'
/** A cold one fetches some hundred megabytes. */
export const INSTALL_MS = 600_000

export interface Project {
  /** Has the package and nothing else. Nobody may write into it but into a folder of their own. */
  readonly dir: string
  /** Of the command line of the package. */
  readonly cli: string
  /** Of {@link TEXT}, as the package computes it on Node. */
  readonly vector: readonly number[]
}

interface Packed {
  readonly tarball: string
  /** Of all that went in. */
  readonly digest: string
}

let packing: Promise<Packed> | undefined
let installing: Promise<Project> | undefined

/** Packed once for each build of it. */
export function packed(): Promise<Packed> {
  packing ??= pack()
  return packing
}

/** npm installs it anew where what the package needs has changed; where only the package did, that is unpacked. */
export function projectWithPackage(): Promise<Project> {
  installing ??= installProject()
  return installing
}

async function pack(): Promise<Packed> {
  const folder = join(BUILD, 'packed')
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const digest = digestOf(...['package.json', 'README.md', 'LICENSE', ...files].flatMap(packable))
  const tarball = join(folder, `${digest.slice(0, 16)}.tgz`)
  await oneAtATime(join(BUILD, 'packed.lock'), async () => {
    if (existsSync(tarball)) return
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const { stdout } = await npm(root, ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
    renameSync(join(folder, JSON.parse(stdout)[0].filename), tarball)
  })
  return { tarball, digest }
}

async function installProject(): Promise<Project> {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const needs = JSON.stringify({ dependencies, optionalDependencies, abi: process.versions.modules })
  const all = join(BUILD, 'consumers')
  const dir = join(all, digestOf(needs).slice(0, 16))
  const cli = join(dir, 'node_modules/.bin/op-dbus')
  const note = join(dir, 'packed.json')
  const { tarball, digest } = await packed()
  return oneAtATime(join(BUILD, 'consumers.lock'), async () => {
    if (existsSync(note)) {
      const { digest: before, vector } = JSON.parse(readFileSync(note, 'utf8'))
      if (before === digest) return { dir, cli, vector }
      rmSync(note)
      const target = join(dir, 'node_modules/op-dbus')
      rmSync(target, { recursive: true, force: true })
      mkdirSync(target)
      await run('tar', ['xzf', tarball, '-C', target, '--strip-components=1'])
    } else {
      rmSync(all, { recursive: true, force: true })
      await installInto(dir, tarball, { ONNXRUNTIME_NODE_INSTALL: 'skip' })
    }
    const cache = mkdtempSync(join(dir, 'cache-'))
    const env = { HOME: cache, OPDBUS_CACHE_DIR: cache }
    const { stdout, stderr } = await runNode([cli, 'embed', TEXT, '--json', '--device', 'cpu'], { cwd: dir, env })
    rmSync(cache, { recursive: true })
    if (stdout === '') throw new Error(stderr)
    const { vector } = JSON.parse(stdout)
    writeFileSync(note, JSON.stringify({ digest, vector }))
    return { dir, cli, vector }
  })
}

/** An empty project in a new folder, and the package in it. */
export async function installInto(dir: string, tarball: string, env: Readonly<Record<string, string>>): Promise<void> {
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  await npm(dir, ['install', tarball, ...QUIET], env)
}

/** npm on the machine's own settings, but with nothing of this project's environment. */
export async function npm(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD)/i.test(name)))
  return run('npm', [...args], { cwd, env: { ...inherited, ...env }, maxBuffer: 1 << 26 })
}

export function digestOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** Path and bytes of a file of the repository, or of all in a folder; of what is not there nothing. */
function packable(name: string): (string | Uint8Array)[] {
  const path = join(root, name)
  if (!existsSync(path)) return []
  if (statSync(path).isFile()) return [path, readFileSync(path)]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
    .flatMap(file => [file, readFileSync(file)])
}
