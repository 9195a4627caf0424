// Clients of embedding APIs, for the tests of the daemon: those of npm from `build/client-peers`, those of Python where somebody installed them.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ownPackages } from '../../build/own-packages.mjs'
import { onPath } from '../programs.js'

/** Where npm put them, or why tests with them are skipped. Installs them when they are first asked for. */
export const clientPackages = ownPackages('client-peers')

/** A module of theirs. */
// biome-ignore lint/suspicious/noExplicitAny: packages of others, each with types of its own
export async function clientModule(name: string): Promise<any> {
  const { resolve } = createRequire(join(clientPackages!, 'package.json'))
  return import(pathToFileURL(resolve(name)).href)
}

/** A Python that has openai, LangChain and LiteLLM: `OP_DBUS_CLIENT_PYTHON`, else `python3` of the path; or what it lacks. */
export function clientPython():
  | { readonly python: string; readonly tokenizers: string }
  | { readonly missing: string } {
  const python = process.env.OP_DBUS_CLIENT_PYTHON ?? onPath('python3')
  if (python === undefined) return { missing: 'no python3' }
  const find =
    'import importlib.util as u\nfor n in ("openai","langchain_openai","litellm"): print(n, u.find_spec(n).origin if u.find_spec(n) else "")'
  const { stdout } = spawnSync(python, ['-c', find], { encoding: 'utf8' })
  const places = new Map((stdout ?? '').split('\n').map(line => line.trim().split(' ') as [string, string | undefined]))
  const missing = ['openai', 'langchain_openai', 'litellm'].filter(name => !places.get(name))
  if (missing.length > 0)
    return { missing: `python3 has no ${missing.join(', ')}: pip install openai langchain-openai litellm` }
  // tiktoken would download its vocabulary; LiteLLM brings it along.
  const tokenizers = join(dirname(places.get('litellm')!), 'litellm_core_utils', 'tokenizers')
  if (!existsSync(tokenizers) || readdirSync(tokenizers).length === 0)
    return { missing: 'litellm brings no vocabulary' }
  return { python, tokenizers }
}
