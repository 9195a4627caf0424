// The verifier that others wrote: golang.org/x/mod's notes and trees, as a program of some lines. Built once where Go is, and its source.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe } from 'vitest'
import { onPath } from '../programs.js'
import { newFolder } from '../support.js'

const SOURCE = fileURLToPath(new URL('../../../shared/tools/tlog-verify', import.meta.url))

/** Runs it, and answers what it said. */
export type GoVerifier = (...args: readonly string[]) => { readonly status: number | null; readonly output: string }

/** `describe` with the verifier, where it can be had; else skipped, with the reason in the name. */
export function describeWithGo(name: string, body: (verify: GoVerifier) => void): void {
  const found = build()
  if (typeof found === 'string') describe.skip(`${name} (skipped: ${found})`, () => {})
  else describe(name, () => body(found))
}

function build(): GoVerifier | string {
  if (!existsSync(SOURCE)) return 'the source of the Go verifier is not here'
  const go = onPath('go') ?? (existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : undefined)
  if (go === undefined) return 'no Go on this machine'
  const dir = newFolder()
  afterAll(() => rmSync(dir, { recursive: true, force: true }))
  cpSync(SOURCE, dir, { recursive: true })
  const program = join(dir, 'tlog-verify')
  const built = spawnSync(go, ['build', '-o', program, '.'], { cwd: dir, encoding: 'utf8', timeout: 120_000 })
  if (built.status !== 0) return `it does not build: ${built.stderr.split('\n')[0]}`
  return (...args) => {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 })
    return { status, output: stdout + stderr }
  }
}
