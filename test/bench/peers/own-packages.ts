// The packages that one row alone needs, from `build/NAME`: installed when they are first asked for.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Skipped } from '../row.js'

/** From where the bench lies once it is bundled. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** The folder that holds their `node_modules`. @throws Skipped where npm cannot install them */
export function ownFolder(name: string, what: string): string {
  const { status } = spawnSync(process.execPath, [join(root, 'build', 'own-packages.mjs'), name], { stdio: 'inherit' })
  if (status !== 0) throw new Skipped(`npm could not install ${what}`)
  return join(root, '.build', name)
}
