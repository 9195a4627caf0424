// The verifier that others wrote: golang.org/x/mod's, as a program in the folder beside the repository. Absent where Go or that is.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath } from '../../programs.js'

const repository = join(import.meta.dirname, '../../..')
const source = join(repository, '../shared/tools/tlog-verify')
const program = join(repository, '.build/tlog-verify')

/** Why nothing is verified with it; undefined where it is here. */
export const withoutTlog = prepare()

/** What it says of tiles and their checkpoint: `OK` and what it found, or what is wrong. Undefined where it is not here. */
export function tlogVerdict(tiles: string, key: string): string | undefined {
  if (withoutTlog !== undefined) return undefined
  writeFileSync(`${tiles}.pub`, `${key}\n`)
  const { stdout, stderr } = spawnSync(program, [tiles], { encoding: 'utf8' })
  return `${stdout}${stderr}`.trim()
}

function prepare(): string | undefined {
  if (existsSync(program)) return undefined
  const go = onPath('go') ?? (existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : undefined)
  if (go === undefined) return 'Go is not here'
  if (!existsSync(source)) return '../shared/tools/tlog-verify is not here'
  mkdirSync(join(repository, '.build'), { recursive: true })
  const { status, stderr } = spawnSync(go, ['build', '-mod=mod', '-o', program, '.'], { cwd: source, encoding: 'utf8', timeout: 60_000 })
  return status === 0 ? undefined : `it cannot be built: ${stderr}`
}
