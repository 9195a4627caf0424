// Whether a program is there, without running it: all that a plugin needs to say that it is not available. Loads nothing that could run one.
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { PluginTools } from '../plugin.js'

type Env = PluginTools['env']

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Where `program` lies on the PATH of `env`; undefined where it does not. Runs nothing. */
export function onPath(program: string, env: Env): string | undefined {
  return pathOf(env)
    .split(delimiter)
    .filter(folder => folder !== '')
    .map(folder => join(folder, program))
    .find(isProgram)
}

/** Where programs are looked for. */
export function pathOf(env: Env): string {
  return env.PATH ?? DEFAULT_PATH
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
