// What a stranger's verifier says of exported tiles: golang.org/x/mod's, as a program from beside the repository, built once into .build/.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { onPath } from '../../programs.js'

const repository = join(import.meta.dirname, '../../..')
const source = join(repository, '../shared/tools/tlog-verify')
const program = join(repository, '.build/tlog-verify')

/** `OK` and what it found, or what is wrong. Undefined where Go or the program's source is not here. */
export function tlogVerdict(tiles: string): string | undefined {
  if (!existsSync(program) && !build()) return undefined
  const { stdout, stderr } = spawnSync(program, [tiles, '-', join(tiles, 'key.pub')], { encoding: 'utf8' })
  return `${stdout}${stderr}`.trim()
}

function build(): boolean {
  const go = onPath('go') ?? (existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : undefined)
  if (go === undefined || !existsSync(source)) return false
  mkdirSync(join(repository, '.build'), { recursive: true })
  const fresh = `${program}.${process.pid}`
  const { status } = spawnSync(go, ['build', '-o', fresh, '.'], { cwd: source, timeout: 120_000 })
  if (status === 0) renameSync(fresh, program)
  return status === 0
}
