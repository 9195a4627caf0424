// Where the bus is, what no bus answers, and a desired state of units before anything is asked: without a systemd.
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import type { StateAction } from '../../src/state/plugin.js'
import { Bus } from '../../src/state/plugins/systemd/bus.js'
import { isDecided, isInstance, isTemplate, isUnitName } from '../../src/state/plugins/systemd/names.js'
import { SharedBus } from '../../src/state/plugins/systemd/shared-bus.js'
import { nameOfPath } from '../../src/state/plugins/systemd/systemd1.js'
import { systemdPlugin } from '../../src/state/plugins/systemd.js'
import { deferred, temporaryFolder } from '../support.js'

const servers: { server: Server; sockets: Socket[] }[] = []
afterEach(async () => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
})

/** A socket where `serve` says what a bus would. */
async function fakeBus(serve: (socket: Socket) => void): Promise<{ path: string; sockets: Socket[] }> {
  const path = join(temporaryFolder(), 'bus')
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    serve(socket)
  })
  servers.push({ server, sockets })
  server.listen(path)
  await once(server, 'listening')
  return { path, sockets }
}

/** Lets everybody in and then says `bytes`. */
function thenSays(bytes: Buffer, end = false): (socket: Socket) => void {
  return socket => {
    socket.on('data', data => {
      const text = data.toString('latin1')
      if (text.includes('AUTH')) socket.write('OK 0123456789abcdef0123456789abcdef\r\n')
      if (!text.includes('BEGIN')) return
      socket.write(bytes)
      if (end) socket.end()
    })
  }
}

const plugin = (path: string) => systemdPlugin({ env: {} }, { bus: `unix:path=${path}` })
const ask = (path: string, signal: AbortSignal = AbortSignal.timeout(20_000)) => plugin(path).query({ signal })

describe('a bus that is none', () => {
  it('is unavailable where nothing lies or nobody listens', async () => {
    const path = join(temporaryFolder(), 'bus')
    expect(await plugin(path).unavailable?.()).toMatch(/there is no bus at/)
    await expect(ask(path)).rejects.toMatchObject({ code: 'PLUGIN_UNAVAILABLE', details: { plugin: 'systemd' } })
  })

  it.each<[string, (socket: Socket) => void]>([
    ['closes at once', socket => void socket.destroy()],
    ['ends at once', socket => void socket.end()],
    ['does not let us in', socket => void socket.write('REJECTED KERBEROS_V4\r\n')],
    ['lets us in and closes', thenSays(Buffer.alloc(0), true)],
    ['says what is no message', thenSays(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))],
    ['speaks of another version', thenSays(Buffer.from('6c01000900000000010000000000000000', 'hex'))],
    ['announces 4 GiB', thenSays(Buffer.from('6c020001ffffffff0100000010000000', 'hex'))],
    ['ends within a message', thenSays(Buffer.from('6c02000110000000010000001000', 'hex'), true)],
    [
      'sends a message whose fields are none',
      thenSays(Buffer.from(`6c0200010000000001000000${'08000000'}${'ff'.repeat(8)}`, 'hex')),
    ],
  ])('fails by name: %s', async (_, serve) => {
    const { path } = await fakeBus(serve)
    await expect(ask(path)).rejects.toMatchObject({ code: 'PLUGIN_FAILED', details: { plugin: 'systemd' } })
  })

  it('ends with the call where it never answers, and lets go of the connection', async () => {
    const accepted = deferred<Socket>()
    const { path } = await fakeBus(accepted.resolve)
    const call = new AbortController()
    const asked = ask(path, call.signal)
    const socket = await accepted.promise
    const gone = once(socket.resume(), 'close')
    call.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' })
    await gone
    await expect(ask(path, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('a connection that nobody asks over is closed', async () => {
    const accepted = deferred<Socket>()
    const { path } = await fakeBus(accepted.resolve)
    const shared = new SharedBus(signal => Bus.open('a bus', path, signal), 1)
    await shared.use(AbortSignal.timeout(20_000), async () => {})
    await once((await accepted.promise).resume(), 'close')
  })

  it('is asked anew where a connection that stood idle turns out to be lost, and only there', async () => {
    const opened: { closed: boolean; close(): void }[] = []
    const open = async () => {
      opened.push({ closed: false, close: () => {} })
      return opened.at(-1) as unknown as Bus
    }
    const shared = new SharedBus(open, 60_000)
    const use = (lost: number) =>
      shared.use(never, async bus => {
        const nth = opened.indexOf(bus as never)
        if (nth >= lost) return nth
        opened[nth]!.closed = true
        throw new Error(`${nth} is lost`)
      })
    const never = new AbortController().signal
    expect(await use(0)).toBe(0)
    expect(await use(1)).toBe(1)
    // Once more, and no oftener; and a new one that is lost at once says so.
    await expect(use(9)).rejects.toThrow('2 is lost')
    await expect(use(9)).rejects.toThrow('3 is lost')
    expect(opened).toHaveLength(4)
    shared.close()
  })
})

describe('which bus is meant', () => {
  const reasonOf = async (bus: string, env: Record<string, string>) => systemdPlugin({ env }, { bus }).unavailable?.()
  const scopeOf = (bus: string, env: Record<string, string> = {}) => systemdPlugin({ env }, { bus }).scope

  it('is said by the option and the environment', async () => {
    expect(scopeOf('system')).toBe('unix:path=/run/dbus/system_bus_socket')
    expect(scopeOf('system', { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/x' })).toBe('unix:path=/x')
    expect(scopeOf('user', { XDG_RUNTIME_DIR: '/run/user/7' })).toBe('unix:path=/run/user/7/bus')
    expect(scopeOf('tcp:host=h,port=1;unix:abstract=a,guid=1')).toBe('unix:abstract=a,guid=1')
    expect(await reasonOf('user', {})).toMatch(/neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set/)
    expect(await reasonOf('tcp:host=h,port=1', {})).toMatch(/names no local socket/)
    expect(await reasonOf('unix:path=/no%20where/bus', {})).toMatch('there is no bus at /no where/bus')
    expect(() => scopeOf('sesion')).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })
})

describe('names of units', () => {
  it('say what is decided by somebody', () => {
    expect(['a.service', 'a@b.timer', 'dev-disk-by\\x2did.mount', 'a@.socket'].every(isUnitName)).toBe(true)
    expect(['a', 'a.scope', 'a.device', '.service', 'a b.service', '../a.service', '__proto__'].some(isUnitName)).toBe(
      false,
    )
    expect([isTemplate('a@.service'), isTemplate('a@.b.service'), isInstance('a@b.service')]).toEqual([
      true,
      false,
      true,
    ])
    const sockets = (name: string) => name === 'sshd.socket'
    expect(isDecided('sshd@3-10.0.0.1:22-10.0.0.9:4.service', sockets)).toBe(false)
    expect(isDecided('other@3-a.service', sockets)).toBe(true)
    expect(isDecided('user@1000.service', sockets)).toBe(false)
    expect(isDecided('proc-fs.mount', sockets)).toBe(false)
    expect(nameOfPath('/org/freedesktop/systemd1/unit/worker_40_c3_a9_2eservice')).toBe('worker@é.service')
  })
})

describe('a desired state of units', () => {
  const check = (units: JsonObject) =>
    plugin('/x')
      .check?.({ units })
      ?.map(({ path, message }) => `${path}: ${message}`)
  const modify = (changes: JsonObject): StateAction => ({
    kind: 'modify',
    resource: { collection: 'units', name: 'a.service' },
    changes: Object.entries(changes).map(([field, value]) => ({ path: `/${field}`, new: value })),
  })
  const refuses = (changes: JsonObject, current: JsonObject) => plugin('/x').refuses?.(modify(changes), current)

  it('is checked strictly, with the nearest word', () => {
    expect(check({ 'a.service': { active_state: 'active', enabled: true, masked: false, ensure: 'present' } })).toEqual(
      [],
    )
    expect(
      check({ 'a.service': { active: true }, nginx: {}, 'b.service': { enabled: 'yes', active_state: 'failed' } }),
    ).toEqual([
      expect.stringMatching(/^\/units\/a\.service\/active: units have no active/),
      '/units/nginx: no name of a unit: did you mean "nginx.service"?',
      '/units/b.service/enabled: enabled is true or false',
      expect.stringMatching(/^\/units\/b\.service\/active_state: active_state is "active" or "inactive"/),
    ])
    expect(check({ 'a.service': { masked: true, enabled: true, active_state: 'active' } })).toHaveLength(2)
    expect(check({ 'a@.service': { active_state: 'active' } })).toEqual([expect.stringMatching(/is a template/)])
    expect(check({ 'a.service': { enabeld: true } })).toEqual([expect.stringMatching(/did you mean "enabled"/)])
  })

  it('is refused where systemd has nothing to change', () => {
    expect(refuses({ enabled: true }, { unit_file_state: 'static' })).toMatch(/a\.service is static/)
    expect(refuses({ enabled: true }, { unit_file_state: 'generated' })).toMatch(/is generated/)
    expect(refuses({ enabled: true }, { unit_file_state: 'disabled' })).toBeUndefined()
    expect(refuses({ active_state: 'active' }, { masked: true })).toMatch(/"masked": false/)
    expect(refuses({ active_state: 'active', masked: false }, { masked: true })).toBeUndefined()
    expect(refuses({ unit_file_state: 'enabled' }, { unit_file_state: 'disabled' })).toMatch(/declare those/)
    const gone: StateAction = { kind: 'delete', resource: { collection: 'units', name: 'a.service' }, old: {} }
    expect(plugin('/x').refuses?.(gone, {})).toMatch(/unit files are not removed/)
  })

  it('begins with what somebody enabled or started', () => {
    const units = {
      'boot.service': { active_state: 'inactive', enabled: true, masked: false, unit_file_state: 'enabled' },
      'hand.service': { active_state: 'active', enabled: false, masked: false, unit_file_state: 'disabled' },
      'needed.service': { active_state: 'active', enabled: false, masked: false, unit_file_state: 'static' },
      'up.socket': { active_state: 'active', enabled: true, masked: false, unit_file_state: 'enabled' },
      'up.target': { active_state: 'active', enabled: true, masked: false, unit_file_state: 'enabled' },
    }
    expect(plugin('/x').initial?.({ units })).toEqual({
      units: {
        'boot.service': { enabled: true },
        'hand.service': { active_state: 'active', enabled: false },
        'up.socket': { active_state: 'active', enabled: true },
      },
    })
  })
})
