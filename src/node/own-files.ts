// Where this package's own files lie on this machine: its threads' scripts, the built-in model, the manifest of assets. Part of
// the Node root; the one place that knows, also when a bundler has moved this code into a file of its own.
//
// A bundler follows `new URL('…', import.meta.url)`, `createRequire` and `require.resolve` where it sees them, and cannot bring
// what they mean here: a folder, scripts with imports of their own, a native binding. So none of them is written out: this
// module's address goes through functions, and where the files are not beside it they are those of the installed package.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ASSETS_MANIFEST } from '../assets-manifest.js'
import { OpDbusError } from '../errors.js'
import { FROM_SOURCE, VERSION } from '../version.js'

const PACKAGE = 'op-dbus'

/** Undefined in a bundle that is CommonJS; in some bundles the address that the module had when it was bundled. */
const MODULE_URL: string | undefined = import.meta.url

let folder: string | undefined

/**
 * The folder of this package's built files (`dist`), of this very version.
 * @throws OpDbusError STORE where there is none: this code was bundled, and runs where op-dbus is not installed
 */
export function ownFolder(): string {
  if (folder !== undefined) return folder
  const looked = new Set<string>()
  for (const path of candidates()) {
    looked.add(path)
    if (!isOurs(path)) continue
    folder = path
    return path
  }
  throw new OpDbusError(
    'STORE',
    `op-dbus ${VERSION} was bundled and does not find its files (worker, model): install it where the bundle runs (npm install op-dbus@${VERSION}), or leave it out of the bundle as an external package`,
    { details: { version: VERSION, looked: [...looked] } },
  )
}

/** One of them. Throws as {@link ownFolder} does. */
export function ownFile(name: string): string {
  return join(ownFolder(), name)
}

/** The folder of an installed package that this one needs; undefined where it is not installed. */
export function dependencyFolder(name: string): string | undefined {
  const paths = requireAt(ownFile('package.json')).resolve.paths(name) ?? []
  return paths.map(path => join(path, name)).find(path => manifestAt(path, 'package.json') !== undefined)
}

/** Resolves as a module of this package would. Throws what Node throws. */
export function resolveDependency(specifier: string): string {
  return requireAt(ownFile('package.json')).resolve(specifier)
}

/** Beside this module, else the package as it is installed for whatever runs: module, bundle, program, working directory. */
function* candidates(): Generator<string> {
  const here = pathOf(MODULE_URL)
  if (here) yield dirname(here)
  for (const anchor of [here, ownFilename(), process.argv[1], inCurrentFolder('index.js')]) {
    const path = anchor && installedFrom(anchor)
    if (path) yield path
  }
}

/** Undefined where the folder that the process is in was removed. */
function inCurrentFolder(name: string): string | undefined {
  try {
    return join(process.cwd(), name)
  } catch {
    return undefined
  }
}

function installedFrom(anchor: string): string | undefined {
  try {
    return join(dirname(requireAt(anchor).resolve(`${PACKAGE}/package.json`)), 'dist')
  } catch {
    return undefined
  }
}

/** `require` as a file at `path` has it. An import of `createRequire` is what bundlers look for. */
function requireAt(path: string): NodeJS.Require {
  return process.getBuiltinModule('node:module').createRequire(path)
}

/** Sources run with what was built last. */
function isOurs(path: string): boolean {
  const version = manifestAt(path, ASSETS_MANIFEST)?.package
  return version === VERSION || (FROM_SOURCE && version !== undefined)
}

function manifestAt(path: string, name: string): { readonly package?: unknown } | undefined {
  try {
    return JSON.parse(readFileSync(join(path, name), 'utf8'))
  } catch {
    return undefined
  }
}

function pathOf(url: string | undefined): string | undefined {
  return url?.startsWith('file:') ? fileURLToPath(url) : undefined
}

/** Of a bundle that is CommonJS. Not asked by `typeof`, which webpack answers by itself, wrongly for modules. */
function ownFilename(): string | undefined {
  try {
    return __filename
  } catch {
    return undefined
  }
}
