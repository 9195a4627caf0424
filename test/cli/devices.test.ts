// Devices as a user meets them: doctor, --device, and a GPU that crashes, hangs on nothing, lies or works under SwiftShader.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { largestDifference } from '../embedder/node-embedder.js'
import { cli, jsonLines, runCli } from '../processes.js'
import { temporaryFolder } from '../support.js'
import { status } from './shell.js'

/** A Vulkan driver that computes on the CPU; it comes with Debian's Chromium (apt install chromium libvulkan1). */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json'
const noSwiftShader = existsSync(SWIFTSHADER) ? '' : ` (skipped: ${SWIFTSHADER} is not there)`
/** Enough for `auto` to think of a GPU; no driver answers. */
const NO_DRIVER = { VK_ICD_FILENAMES: '/nowhere/icd.json' }

const hasGpu = process.platform !== 'linux' || ['/dev/dri', '/dev/nvidia0', '/dev/dxg'].some(path => existsSync(path))

/** Environment in which the process that tries a device does as `body` says, and every trial leaves a line in `log`. */
function rig(dir: string, body: string) {
  const [file, log] = [join(dir, 'rig.mjs'), join(dir, 'trials.log')]
  writeFileSync(
    file,
    `import { appendFileSync, writeFileSync } from 'node:fs'
     if (process.argv[1]?.endsWith('node-device-probe.js')) {
       process.prependOnceListener('message', job => {
         appendFileSync(${JSON.stringify(log)}, job.device + '\\n')
         if (job.device === 'webgpu') { ${body} }
       })
     }`,
  )
  const trials = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [])
  return { env: { ...NO_DRIVER, NODE_OPTIONS: `--import ${file}` }, trials }
}

const embed = async (dir: string, args: string[], env: Record<string, string> = {}) => {
  const { code, stdout, stderr } = await runCli(dir, ['embed', ...args, '--json'], { env })
  return { code, stderr, rows: jsonLines(stdout) }
}

describe('doctor', () => {
  test('tells of every device whether it works, how near and how fast, and why not', async () => {
    const dir = temporaryFolder()
    const { code, stdout, stderr } = await runCli(dir, ['doctor', '--device', 'all', '--json'], { env: NO_DRIVER })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { devices, serving } = JSON.parse(stdout)
    expect(devices.map((one: { device: string }) => one.device)).toEqual(['cuda', 'webgpu', 'cpu', 'wasm'])
    const [cuda, webgpu, cpu, wasm] = devices
    expect(serving).toBe('cpu')
    // Against the vectors of the original model, then of one device against the other.
    expect(cpu).toMatchObject({ works: true, verified: true, textsPerSecond: expect.any(Number) })
    expect(cpu.cosine).toBeGreaterThan(0.9996)
    expect(wasm).toMatchObject({ works: true })
    expect(wasm.cosine).toBeGreaterThan(0.999999)
    expect(wasm.maxDiff).toBeLessThanOrEqual(1e-5)
    expect(webgpu).toMatchObject({ works: false, verified: false, reason: expect.stringMatching(/WebGPU adapter/) })
    if (!cuda.works) expect(cuda.reason).toMatch(/./)
  }, 120_000)

  test.skipIf(noSwiftShader)(
    `WebGPU under a software driver: right, itself, and too slow for auto${noSwiftShader}`,
    async () => {
      const dir = temporaryFolder()
      const env = { VK_ICD_FILENAMES: SWIFTSHADER }
      const { stdout } = await runCli(dir, ['doctor', '--device', 'webgpu', '--json'], { env })
      const [webgpu] = JSON.parse(stdout).devices
      expect(webgpu).toMatchObject({ device: 'webgpu', works: true, share: 1 })
      expect(webgpu.cosine).toBeGreaterThanOrEqual(0.9999)
      const texts = ['eth0: link is down', 'a']
      // The verdict is in the folder now, so neither of these tries again.
      const gpu = await embed(dir, [...texts, '--device', 'webgpu'], env)
      await runCli(dir, ['cache', 'clear'])
      const cpu = await embed(dir, texts, env)
      expect(gpu.rows.map(row => row.device)).toEqual(['webgpu', 'webgpu'])
      expect(cpu.rows.map(row => row.device)).toEqual(['cpu', 'cpu'])
      for (const i of [0, 1])
        expect(largestDifference(gpu.rows[i].vector, cpu.rows[i].vector)).toBeLessThanOrEqual(1e-5)
    },
    240_000,
  )
})

describe('embed --device', () => {
  test.each(['cuda', 'webgpu'])(
    '%s that cannot serve fails with its reason, but what is on disk is served',
    async device => {
      const dir = temporaryFolder()
      await embed(dir, ['known'])
      const found = await embed(dir, ['known', '--device', device], NO_DRIVER)
      expect(found).toMatchObject({ code: 0, rows: [{ source: 'disk', device: 'cpu' }] })
      const fresh = await embed(dir, ['unknown', '--device', device], NO_DRIVER)
      expect(fresh).toMatchObject({ code: 4, rows: [] })
      expect(fresh.stderr).toMatch(new RegExp(`no device can run the model \\(${device}: .+\\)`))
    },
  )

  test('a driver that crashes takes only the process along that tries it: the CPU serves, and it is tried once', async () => {
    const dir = temporaryFolder()
    const { env, trials } = rig(dir, 'process.kill(process.pid, "SIGSEGV"); for (;;) {}')
    for (const text of ['one', 'two']) {
      const { code, stderr, rows } = await embed(dir, [text], env)
      expect({ code, stderr, rows }).toMatchObject({
        code: 0,
        stderr: '',
        rows: [{ device: 'cpu', source: 'computed' }],
      })
    }
    expect(trials().filter(device => device === 'webgpu')).toHaveLength(1)
    const named = await embed(dir, ['three', '--device', 'webgpu'], env)
    expect(named.code).toBe(4)
    expect(named.stderr).toContain('ended with SIGSEGV')
  })

  test.each([
    ['doctor', ['doctor', '--device', 'webgpu']],
    ['embed', ['embed', 'one', '--device', 'webgpu']],
  ])('Ctrl+C ends a trial that hangs: %s leaves no process behind', async (_what, args) => {
    const dir = temporaryFolder()
    const mark = join(dir, 'trial.pid')
    const hang = `writeFileSync(${JSON.stringify(mark)}, String(process.pid)); process.removeAllListeners('message'); setInterval(() => {}, 1e6)`
    const { env } = rig(dir, hang)
    const child = spawn(process.execPath, [cli, ...args], {
      env: { PATH: process.env.PATH ?? '', HOME: dir, OPDBUS_CACHE_DIR: dir, ...env },
      stdio: 'ignore',
    })
    const ended = status(child)
    while (!existsSync(mark) || readFileSync(mark, 'utf8') === '') await setTimeout(20)
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    // It was killed; that it is gone is seen once the system has buried it.
    const pid = Number(readFileSync(mark, 'utf8'))
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(/ESRCH/), { timeout: 20_000 })
  })

  test('a device that proved itself once, and then does not open, gives way to the CPU', async () => {
    const dir = temporaryFolder()
    const verdict = '{ device: "webgpu", works: true, cosine: 1, textsPerSecond: 1e6, cpuTextsPerSecond: 1 }'
    const { env } = rig(dir, `process.removeAllListeners('message'); process.send(${verdict}, () => process.exit(0))`)
    const { code, rows } = await embed(dir, ['one'], env)
    expect({ code, rows }).toMatchObject({ code: 0, rows: [{ device: 'cpu' }] })
  })

  test.skipIf(hasGpu)(
    `without a sign of a GPU nothing is tried at all${hasGpu ? ' (skipped: this machine has one)' : ''}`,
    async () => {
      const dir = temporaryFolder()
      const { env, trials } = rig(dir, '')
      const { VK_ICD_FILENAMES: _unset, ...plain } = env
      await embed(dir, ['one'], plain)
      expect(trials()).toEqual([])
    },
  )

  test('a name that is no device is a wrong call', async () => {
    const { code, stderr } = await embed(temporaryFolder(), ['one', '--device', 'tpu'])
    expect(code).toBe(2)
    expect(stderr).toContain('auto, cuda, webgpu, cpu, wasm')
  })
})
