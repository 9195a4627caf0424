// Containers of LXC: `lxc-ls` says which there are and which run, their configuration files how they are connected. Since lxc-ls answers
// "none" with exit code 0 also where it may not look, the folder is looked at first.
import { access, constants, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PluginTools } from '../../plugin.js'
import { type Container, type Containers, firstNetwork } from './container.js'
import { readLxcConfig } from './lxc-config.js'
import { failed, outputOf } from './program.js'

/** Longer than any shutdown: what ends the wait is the deadline of the call. */
const SHUTDOWN_SECONDS = '3600'
/** The words of `lxc_state_t`. All but the first run, or are about to, or still do. */
const STATES = ['STOPPED', 'STARTING', 'RUNNING', 'STOPPING', 'ABORTING', 'FREEZING', 'FROZEN', 'THAWED']

/** `path`: the folder of containers; undefined: the one that LXC itself names. */
export function lxcTools(tools: PluginTools, path: string | undefined): Containers {
  const inPath = path === undefined ? [] : ['-P', path]
  const program = (command: string, args: readonly string[], signal: AbortSignal) =>
    outputOf(tools, command, [...args, ...inPath], signal)

  async function folder(signal: AbortSignal): Promise<string> {
    return path ?? (await outputOf(tools, 'lxc-config', ['lxc.lxcpath'], signal)).trim()
  }

  async function running(signal: AbortSignal): Promise<ReadonlyMap<string, boolean>> {
    if (!(await mayRead(await folder(signal)))) return new Map()
    return parseLxcLs(await program('lxc-ls', ['-f', '-F', 'STATE,NAME'], signal))
  }

  return {
    running,

    async list(signal) {
      const base = await folder(signal)
      // Before the others, so that one that is made meanwhile is not taken for one that cannot be loaded.
      const configured = await configuredIn(base)
      const containers: Container[] = []
      const known = await running(signal)
      for (const id of configured) {
        if (known.has(id) || !(await isThere(configOf(base, id)))) continue
        const error = 'LXC cannot load its configuration'
        containers.push({ id, error, manager: 'lxc', networks: {}, properties: {} })
      }
      for (const [id, runs] of known) {
        // One that was started from another file than its own has none here.
        const { name = id, networks } = await readLxcConfig(configOf(base, id))
        const properties = { hostname: name }
        containers.push({ id, name, running: runs, manager: 'lxc', ...firstNetwork(networks), networks, properties })
      }
      return containers
    },

    async start(id, signal) {
      await program('lxc-start', ['-n', id, '-d'], signal)
    },

    async stop(id, signal) {
      // What is frozen hears of no signal.
      const state = await program('lxc-info', ['-n', id, '-sH'], signal)
      if (state.trim() === 'FROZEN') await program('lxc-unfreeze', ['-n', id], signal)
      await program('lxc-stop', ['-n', id, '--nokill', '-t', SHUTDOWN_SECONDS], signal)
    },
  }
}

/** The answer of `lxc-ls -f -F STATE,NAME`: a name may hold blanks, a state none. Nothing at all, the heading left out, is no container. */
export function parseLxcLs(text: string): Map<string, boolean> {
  const [heading, ...lines] = text.split('\n').filter(line => line.trim() !== '')
  const found = new Map<string, boolean>()
  if (heading === undefined) return found
  if (!/^STATE +NAME *$/.test(heading)) throw failed(`lxc-ls answers no list of containers: ${heading.slice(0, 200)}`)
  for (const line of lines) {
    const [, state = '', id = ''] = /^(\S+) +(.*?) *$/.exec(line) ?? []
    if (!STATES.includes(state) || id === '')
      throw failed(`lxc-ls answers a line that is no container: ${line.slice(0, 200)}`)
    found.set(id, state !== 'STOPPED')
  }
  return found
}

/** Those with a configuration of their own. `lxc-ls` leaves out whichever it cannot load. */
async function configuredIn(base: string): Promise<readonly string[]> {
  const names = await readdir(base).catch(() => [])
  const found = await Promise.all(names.map(name => isThere(configOf(base, name))))
  return names.filter((_, i) => found[i])
}

function configOf(base: string, id: string): string {
  return join(base, id, 'config')
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** False where there is no such folder. @throws OpDbusError PLUGIN_FAILED where it may not be read */
async function mayRead(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.R_OK | constants.X_OK)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw failed(`${folder}, the folder of containers, may not be read: that takes root`, error)
  }
}
