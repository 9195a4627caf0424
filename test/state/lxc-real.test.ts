// The lxc plugin on real containers; LXC's own programs say what is so.
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import type { Outcome, StateAction, StatePlugin } from '../../src/state/plugin.js'
import { lxcPlugin } from '../../src/state/plugins/lxc.js'
import { runCli } from '../processes.js'
import { type RealLxc, realLxc } from '../real/lxc.js'
import { describeWith } from '../real/parts.js'
import { newFolder } from '../support.js'
import { toolsIn } from './plugin-tools.js'

const signal = new AbortController().signal

describeWith('lxc', 'the lxc plugin on real containers', () => {
  let folder: string
  let real: RealLxc
  let plugin: StatePlugin
  const warnings: string[] = []
  const runs = new Map<string, () => void>()
  /** Resolves once that program is started the next time. */
  const asked = (command: string) => new Promise<void>(resolve => runs.set(command, resolve))

  beforeAll(() => {
    folder = newFolder()
    real = realLxc(folder)
    real.create('100', 'lxc.uts.name = netmaker')
    real.create('web')
    const tools = toolsIn(real.env, warnings)
    const run: typeof tools.run = (command, args, options) => {
      const ended = tools.run(command, args, options)
      runs.get(command)?.()
      return ended
    }
    plugin = lxcPlugin({ ...tools, run }, { path: real.path })
  })
  afterAll(() => {
    real.end()
    rmSync(folder, { recursive: true, force: true })
  })

  const query = async () => (await plugin.query({ signal })).containers as JsonObject[]
  const running = async (id: string) => (await query()).find(container => container.id === id)?.running

  /** What `apply` reported; rejects as it does. */
  async function apply(id: string, old: boolean, wanted: boolean): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    const resource = { collection: 'containers', name: id }
    const action: StateAction = { kind: 'modify', resource, changes: [{ path: '/running', old, new: wanted }] }
    await plugin.apply?.([action], { signal, report: (_, outcome) => outcomes.push(outcome) })
    return outcomes
  }

  it('tells those that there are, the same each time', async () => {
    expect(await plugin.unavailable?.()).toBeUndefined()
    const first = await plugin.query({ signal })
    expect(first).toEqual({
      containers: [
        {
          id: '100',
          name: 'netmaker',
          running: false,
          manager: 'lxc',
          networks: { net0: { type: 'empty' } },
          properties: { hostname: 'netmaker' },
        },
        expect.objectContaining({ id: 'web', running: false }),
      ],
    })
    expect(JSON.stringify(await plugin.query({ signal }))).toBe(JSON.stringify(first))
    expect(plugin.initial?.(first)).toEqual({
      containers: [
        { id: '100', running: false },
        { id: 'web', running: false },
      ],
    })
  })

  it('starts and stops one, and the other stays as it is', async () => {
    expect(await apply('100', false, true)).toEqual([{ status: 'done' }])
    expect(real.state('100')).toBe('RUNNING')
    expect(await running('100')).toBe(true)
    expect(await running('web')).toBe(false)
    const whileItRuns = JSON.stringify(await query())
    expect(JSON.stringify(await query())).toBe(whileItRuns)

    expect(await apply('100', true, false)).toEqual([{ status: 'done' }])
    expect(real.state('100')).toBe('STOPPED')
    expect(await running('100')).toBe(false)
  })

  it('is applied, verified and taken back by the command line', async () => {
    const cli = (...args: string[]) =>
      runCli(join(folder, 'cache'), args, {
        env: { ...real.env, OPDBUS_LXC_PATH: real.path, OPDBUS_DATA_DIR: join(folder, 'data') },
        input: JSON.stringify({ version: 1, plugins: { lxc: { containers: [{ id: '100', running: true }] } } }),
      })
    expect((await cli('verify', '-')).code).toBe(9)
    // Kept from now on, and of no use once the container runs.
    await cli('query', 'lxc')
    expect(await cli('apply', '-', '--yes')).toMatchObject({ code: 0 })
    expect(real.state('100')).toBe('RUNNING')
    expect(JSON.parse((await cli('query', 'lxc')).stdout).plugins.lxc.containers[0].running).toBe(true)
    expect((await cli('verify', '-')).code).toBe(0)
    expect(await cli('rollback', '--yes')).toMatchObject({ code: 0 })
    expect(real.state('100')).toBe('STOPPED')
  })

  it('changes nothing where a container is not what the diff saw', async () => {
    await expect(apply('100', true, false)).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(apply('gone', false, true)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(real.state('100')).toBe('STOPPED')
  })

  it('tells with the words of LXC why one does not start', async () => {
    real.create('broken', 'lxc.rootfs.path = dir:/nowhere/at/all')
    const [outcome] = await apply('broken', false, true)
    expect(outcome?.status).toBe('failed')
    expect(outcome?.message).toMatch(/^lxc-start -n broken: .*failed to start/)
  })

  it('shuts down one that is frozen, and says from within the deadline that one has not shut down yet', async () => {
    await apply('web', false, true)
    real.lxc('lxc-freeze', '-n', 'web')
    expect(real.state('web')).toBe('FROZEN')
    expect(await apply('web', true, false)).toEqual([{ status: 'done' }])
    // Its init gets a signal that it does not end by.
    appendFileSync(join(real.path, 'web', 'config'), 'lxc.signal.halt = SIGWINCH\n')
    await apply('web', false, true)
    const outcomes: Outcome[] = []
    const resource = { collection: 'containers', name: 'web' }
    const over = new AbortController()
    const call = { signal: over.signal, report: (_: unknown, outcome: Outcome) => outcomes.push(outcome) }
    const action: StateAction = { kind: 'modify', resource, changes: [{ path: '/running', old: true, new: false }] }
    const stopping = asked('lxc-stop')
    const applying = plugin.apply?.([action], call)
    const ended = expect(applying).rejects.toMatchObject({ code: 'PLUGIN_FAILED' })
    await stopping
    over.abort()
    expect(outcomes).toEqual([{ status: 'pending', message: expect.stringMatching(/not killed/) }])
    await ended
    expect(real.state('web')).toBe('RUNNING')
  })

  it('tells networks as they are configured, files that are included and lines that take back', async () => {
    real.create('net')
    const included = join(folder, 'included')
    mkdirSync(included)
    const pair = 'lxc.net.1.type = veth\nlxc.net.1.link = br0\nlxc.net.1.veth.pair = other\n'
    writeFileSync(join(included, 'net.conf'), `${pair}lxc.net.1.name = "eth1"\n`)
    writeFileSync(join(included, 'not-read'), 'lxc.net.7.type = veth\n')
    const config = join(real.path, 'net', 'config')
    appendFileSync(
      config,
      `lxc.net.2.type = veth\nlxc.net.2 =\nlxc.net.0 =\nlxc.include = ${included}\n lxc.net.1.veth.pair =  vi100 \n`,
    )
    // LXC reads it as we do.
    const said = real.lxc(
      'lxc-info',
      '-n',
      'net',
      ...['link', 'name', 'veth.pair'].flatMap(key => ['-c', `lxc.net.1.${key}`]),
    )
    expect(said.split('\n')).toEqual(['lxc.net.1.link = br0', 'lxc.net.1.name = eth1', 'lxc.net.1.veth.pair = vi100'])
    expect((await query()).find(({ id }) => id === 'net')).toMatchObject({
      bridge: 'br0',
      veth: 'vi100',
      networks: { net1: { type: 'veth', bridge: 'br0', name: 'eth1', veth: 'vi100' } },
    })
  })

  it('tells one that LXC itself cannot load as what it is', async () => {
    warnings.length = 0
    mkdirSync(join(real.path, 'unreadable'))
    writeFileSync(join(real.path, 'unreadable', 'config'), 'lxc.net.0.type = nothing-known\n')
    const current = (await query()).find(({ id }) => id === 'unreadable')
    expect(current).toMatchObject({ error: 'LXC cannot load its configuration' })
    expect(current).not.toHaveProperty('running')
    expect(warnings.join()).toMatch(/unreadable/)
    const action: StateAction = {
      kind: 'modify',
      resource: { collection: 'containers', name: 'unreadable' },
      changes: [{ path: '/running', new: true }],
    }
    expect(plugin.refuses?.(action, current)).toMatch(/neither started nor stopped: LXC cannot load/)
    expect(plugin.initial?.({ containers: [current!] })).toEqual({ containers: [] })
  })
})
