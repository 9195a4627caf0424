// The library as its users get it: built, imported by its name or from the folder of another build. Only its types come from the source.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as Blockchain from '../../src/blockchain.js'
import type * as Kernels from '../../src/kernels.js'
import type * as Node from '../../src/node.js'
import type * as Server from '../../src/server.js'
import type * as State from '../../src/state.js'

/** One build of op-dbus. */
export interface Library {
  readonly openCaches: typeof Node.openCaches
  /** `op-dbus/blockchain`, of the same build. */
  importBlockchain(): Promise<typeof Blockchain>
  /** `op-dbus/kernels`, of the same build. */
  importKernels(): Promise<typeof Kernels>
  /** `op-dbus/server`, of the same build. */
  importServer(): Promise<typeof Server>
  /** `op-dbus/state`, of the same build. */
  importState(): Promise<typeof State>
  /** Its package: what is run in it may import the library by its name. */
  readonly folder: string
}

/** The package `folder`, or the one that the bench belongs to. */
export async function openLibrary(folder: string | undefined): Promise<Library> {
  // Not literals, so that neither compiler nor bundler follows them to the source.
  const own = fileURLToPath(new URL('..', import.meta.resolve('op-dbus' as string)))
  const root = folder === undefined ? own : resolve(folder)
  const part = (name: string) => import(pathToFileURL(join(root, 'dist', `${name}.js`)).href)
  const { openCaches } = (await part('node')) as typeof Node
  return {
    openCaches,
    importBlockchain: () => part('blockchain') as Promise<typeof Blockchain>,
    importKernels: () => part('kernels') as Promise<typeof Kernels>,
    importServer: () => part('server') as Promise<typeof Server>,
    importState: () => part('state') as Promise<typeof State>,
    folder: root,
  }
}

export function isLibrary(folder: string): boolean {
  return existsSync(join(folder, 'dist', 'node.js'))
}

/** The built-in model of a build. */
export function builtinModel({ folder }: Library): string {
  return join(folder, 'dist', 'models', 'builtin')
}
