// Programs that plugins run, with real ones: what ends them, and that nothing is left behind.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isOpDbusError } from '../../src/errors.js'
import { onPath } from '../../src/state/plugins/on-path.js'
import { followLines, runIn } from '../../src/state/plugins/run.js'
import { runNode } from '../processes.js'
import { temporaryFolder } from '../support.js'

const env = { PATH: process.env.PATH }
const run = runIn(env)
const open = () => new AbortController().signal

const failed = (what: RegExp) => (error: unknown) => isOpDbusError(error, 'PLUGIN_FAILED') && what.test(error.message)

/** A named pipe: what holds it open is alive, and the end of the stream is the end of all of it. `begun` when something is written into it. */
function lifeline(): { path: string; begun: Promise<unknown>; ended: Promise<unknown> } {
  const path = join(temporaryFolder(), 'pipe')
  execFileSync('mkfifo', [path])
  const pipe = createReadStream(path)
  return { path, begun: once(pipe, 'data'), ended: once(pipe, 'end') }
}

describe('run', () => {
  it('hands over arguments as they are, and answers code, output and complaint', async () => {
    const hostile = '$(touch x); `id` "\' \n é'
    const result = await run('sh', ['-c', 'printf %s "$1"; echo no >&2; exit 3', 'sh', hostile], { signal: open() })
    expect(result).toEqual({ code: 3, stdout: hostile, stderr: 'no\n' })
  })

  it('runs in the C locale, with nothing to read', async () => {
    const result = await runIn({ ...env, LC_ALL: 'de_DE.UTF-8' })('sh', ['-c', 'cat; echo $LC_ALL'], { signal: open() })
    expect(result.stdout).toBe('C\n')
  })

  it('hands over what is to be read, also to what reads nothing', async () => {
    expect((await run('cat', [], { signal: open(), input: 'a\né' })).stdout).toBe('a\né')
    expect((await run('true', [], { signal: open(), input: 'x'.repeat(1 << 20) })).code).toBe(0)
  })

  it('keeps the end of a long complaint', async () => {
    const { stderr } = await run('sh', ['-c', 'seq 20000 >&2'], { signal: open() })
    expect(stderr.length).toBe(4096)
    expect(stderr.endsWith('20000\n')).toBe(true)
  })

  it('says which program is not there, may not be run, or cannot be handed its arguments', async () => {
    const file = join(temporaryFolder(), 'no-program')
    writeFileSync(file, '')
    await expect(run('no-such-program', [], { signal: open() })).rejects.toSatisfy(
      failed(/^no-such-program .*no such program/),
    )
    await expect(run(file, [], { signal: open() })).rejects.toSatisfy(failed(/may not be run/))
    await expect(run('true', ['\0'], { signal: open() })).rejects.toSatisfy(failed(/^true could not be started/))
    await expect(run('true', ['x'.repeat(1 << 22)], { signal: open() })).rejects.toSatisfy(
      failed(/could not be started/),
    )
  })

  it('is not started where the call has ended', async () => {
    const file = join(temporaryFolder(), 'ran')
    await expect(run('touch', [file], { signal: AbortSignal.abort() })).rejects.toSatisfy(failed(/was not started/))
    expect(() => readFileSync(file)).toThrow()
  })

  it('ends what writes too much', async () => {
    await expect(run('yes', [], { signal: open(), maxBytes: 1000 })).rejects.toSatisfy(failed(/more than 1000 bytes/))
    expect((await run('printf', ['%01000d', '0'], { signal: open(), maxBytes: 1000 })).stdout.length).toBe(1000)
  })

  it('tells what a signal ended', async () => {
    await expect(run('sh', ['-c', 'kill -9 $$'], { signal: open() })).rejects.toSatisfy(failed(/SIGKILL/))
  })

  it('ends with the call, with what it started, also where they do not listen', async () => {
    const line = lifeline()
    const script = `exec 3>${line.path}; trap "" TERM; sleep 1000 & echo >&3; while :; do sleep 1000; done`
    const call = new AbortController()
    const running = run('sh', ['-c', script], { signal: call.signal })
    await line.begun
    call.abort()
    await expect(running).rejects.toSatisfy(failed(/was ended/))
    await line.ended
  })

  it('does not wait for a daemon that keeps its output open', async () => {
    const result = await run('sh', ['-c', 'sleep 1000 & echo $!'], { signal: open() })
    process.kill(Number(result.stdout))
    expect(result.code).toBe(0)
  })
})

describe('followLines', () => {
  it('tells lines, then why there are no more', async () => {
    const lines: string[] = []
    const why = await new Promise<string>(resolve =>
      followLines('sh', ['-c', 'echo "$1"; printf "b\\nc"; echo gone >&2', 'sh', 'a "$x"'], {
        env,
        onLine: line => lines.push(line),
        onEnd: resolve,
      }),
    )
    expect(lines).toEqual(['a "$x"', 'b'])
    expect(why).toBe('sh ended: gone')
  })

  it('says that there is no such program', async () => {
    const why = await new Promise<string>(resolve =>
      followLines('no-such-program', [], { env, onLine: () => {}, onEnd: resolve }),
    )
    expect(why).toMatch(/no-such-program.*not found/)
  })

  it('ends the program at close, and says nothing after', async () => {
    let ends = 0
    let followed: { close(): void } | undefined
    const line = lifeline()
    await new Promise<string>(resolve => {
      const script = `exec 3>${line.path}; echo up >&3; echo up; exec sleep 1000`
      followed = followLines('sh', ['-c', script], { env, onLine: resolve, onEnd: () => ends++ })
    })
    await line.begun
    followed?.close()
    await line.ended
    expect(ends).toBe(0)
  })

  it.each([
    ['kept alive by nothing', ''],
    ['killed', 'process.kill(process.pid, "SIGKILL")'],
  ])('ends with a process that is %s', async (_, last) => {
    const line = lifeline()
    const file = new URL('../../src/state/plugins/run.ts', import.meta.url)
    const script = `
      import { build } from 'esbuild'
      const { outputFiles } = await build({ entryPoints: [${JSON.stringify(file.pathname)}], bundle: true, write: false, platform: 'node', format: 'esm' })
      const { followLines } = await import('data:text/javascript;base64,' + Buffer.from(outputFiles[0].text).toString('base64'))
      await new Promise(resolve => {
        const alive = setInterval(() => {}, 1000)
        followLines('sh', ['-c', 'exec 3>${line.path}; echo up >&3; echo up; exec sleep 1000'], { env: process.env, onEnd() {}, onLine(line) { process.stdout.write(line, () => { clearInterval(alive); resolve() }) } })
      })
      ${last}`
    const { stdout } = await runNode(['--input-type=module', '-e', script])
    expect(stdout).toBe('up')
    await line.begun
    await line.ended
  })
})

describe('onPath', () => {
  it('finds programs, and nothing else', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'plain'), '')
    expect(onPath('sh', env)).toMatch(/\/sh$/)
    expect(onPath('plain', { PATH: folder })).toBeUndefined()
    expect(onPath('sh', { PATH: folder })).toBeUndefined()
    expect(onPath('sh', { PATH: '' })).toBeUndefined()
    expect(onPath('sh', {})).toMatch(/\/sh$/)
  })
})
