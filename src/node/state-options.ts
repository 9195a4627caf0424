// What can be set for plugins and their manager, and the places and modules that it means. Part of the root `op-dbus/state`; makes no
// folder.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { home } from './options.js'
import { nodeHash } from './runtime.js'

/** Tells two machines apart without telling their id (machine-id(5) asks for that): a digest. Undefined where it has none. */
export function machineDigest(): string | undefined {
  try {
    const id = readFileSync('/etc/machine-id', 'utf8').trim()
    return /^[0-9a-f]{32}$/.test(id) ? nodeHash.sha256(`op-dbus ${id}`).slice(0, 32) : undefined
  } catch {
    return undefined
  }
}

/** Absolute; undefined where there is no place to keep anything. */
export function dataDirOf({ dataDir }: { readonly dataDir: string | undefined }): string | undefined {
  const dir = dataDir ?? defaultDataDir(process.env)
  return dir === undefined ? undefined : resolve(dir)
}

function defaultDataDir(env: NodeJS.ProcessEnv): string | undefined {
  if (process.getuid?.() === 0) return '/var/lib/op-dbus'
  if (env.XDG_DATA_HOME) return join(env.XDG_DATA_HOME, 'op-dbus')
  const own = home()
  return own && join(own, '.local/share/op-dbus')
}

/**
 * What a plugin module exports. A path counts from the folder that the process is in; a name is that of a package that is installed
 * there, or beside op-dbus.
 */
export async function loadPluginModule(module: string): Promise<Readonly<Record<string, unknown>>> {
  if (module.startsWith('file:')) return import(module)
  if (module.startsWith('.') || isAbsolute(module) || /\.[cm]?js$/.test(module)) {
    if (!existsSync(module)) throw new Error('there is no such file')
    return import(pathToFileURL(resolve(module)).href)
  }
  try {
    return await import(pathToFileURL(createRequire(resolve('package.json')).resolve(module)).href)
  } catch (error) {
    // A package that is for `import` alone is found only from here.
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error
    return import(module)
  }
}
