// Desired files: what is read, and what is refused, where and why.
import { describe, expect, it } from 'vitest'
import { isOpDbusError, OpDbusError } from '../../src/errors.js'
import type { JsonObject } from '../../src/json/json.js'
import { checkDesired, desiredFile, readDesired } from '../../src/state/desired.js'
import type { StatePlugin } from '../../src/state/plugin.js'
import { netPlugin } from '../../src/state/plugins/net.js'
import { toolsIn } from './plugin-tools.js'
import { plugins } from './samples.js'

const read = (text: string | Uint8Array) => readDesired(text, 'desired.json', plugins)

/** What is told when `text` is read; fails where nothing is. */
function complaint(text: string | Uint8Array): string {
  try {
    read(text)
  } catch (error) {
    if (isOpDbusError(error, 'INVALID_INPUT')) return error.message
    throw error
  }
  throw new Error('nothing was wrong')
}

const of = (states: unknown) => JSON.stringify({ version: 1, plugins: states })

describe('a desired file', () => {
  it('is read: version and words of ours aside, what is declared, in the order of states', () => {
    const text = `\uFEFF{
  "plugins": {
    "systemd": {"units": {"b.service": {"enabled": true}, "a.service": {"active_state": "active", "ensure": "present"}}},
    "net": {"prune": true, "interfaces": [
      {"name": "vi9", "trunks": [20, 10, 20]},
      {"type": "ovs-bridge", "name": "br0", "mtu": -0}
    ]}
  }
}`
    const desired = read(new TextEncoder().encode(text))
    expect(desired).toStrictEqual(read(text))
    expect(JSON.stringify(desired)).toBe(
      '{"version":1,"plugins":{' +
        '"net":{"prune":true,"state":{"interfaces":[{"mtu":0,"name":"br0","type":"ovs-bridge"},{"name":"vi9","trunks":[10,20]}]}},' +
        '"systemd":{"prune":false,"state":{"units":{"a.service":{"active_state":"active","ensure":"present"},"b.service":{"enabled":true}}}}}}',
    )
    expect(Object.isFrozen((desired.plugins.net!.state.interfaces as JsonObject[])[0])).toBe(true)
    expect(checkDesired(desiredFile(desired), plugins)).toStrictEqual(desired)
  })

  it.each<[what: string, text: string | Uint8Array, told: string]>([
    ['nothing', ' \n', 'desired.json:1:1: is empty'],
    ['a comment', '{\n  // mine\n}', 'desired.json:2:3: is not JSON: JSON has no comments, and here is "// mine"'],
    [
      'a trailing comma',
      '{"version":1,\n}',
      'desired.json:2:1: is not JSON: a name in double quotes is expected, and here is "}"',
    ],
    [
      'half a file',
      '{"plugins": {',
      'desired.json:1:14: is not JSON: a closing brace is expected, and the text ends here',
    ],
    ['two values', '{} {}', 'desired.json:1:4: is not JSON: nothing may follow the first value, and here is "{}"'],
    [
      'YAML',
      'version: 1\nplugins:\n',
      'desired.json:1:1: is not JSON: a value, a text in double quotes or the end of one is expected, and here is "version: 1"',
    ],
    ['no UTF-8', Uint8Array.of(123, 10, 34, 0xff, 34), 'desired.json:2:1: is not UTF-8 from this line on'],
    ['a name twice', '{"plugins":{"net":{},\n "net":{}}}', 'desired.json:2:2 /plugins/net: is there twice'],
    ['a name twice, in other letters', '{"a":1,"\\u0061":2}', 'desired.json:1:8 /a: is there twice'],
    [
      '__proto__',
      '{"plugins":{"net":{"interfaces":[{"name":"a","x":{"__proto__":{}}}]}}}',
      'desired.json:1:51 /plugins/net/interfaces/0/x/__proto__: is no name that a member may have',
    ],
    ['a text', '"x"', 'desired.json:1:1: a desired state is an object: {"version":1,"plugins":{...}}'],
    ['no plugins', '{"version":1}', 'desired.json:1:1 /plugins: is missing'],
    [
      'another version',
      '{"version":2,"plugins":{}}',
      'desired.json:1:2 /version: is 2, and this op-dbus reads version 1',
    ],
    ['another member', '{"plugin":{},"plugins":{}}', 'desired.json:1:2 /plugin: is no member; did you mean plugins?'],
    ['an unknown plugin', of({ nte: {} }), 'desired.json:1:25 /plugins/nte: is no plugin; did you mean net?'],
    [
      'an unknown plugin like none',
      of({ kubernetes: {} }),
      'desired.json:1:25 /plugins/kubernetes: is no plugin; known are net, lxc, systemd',
    ],
    [
      'an unknown part',
      of({ net: { interface: [] } }),
      'desired.json:1:32 /plugins/net/interface: is no part of net; did you mean interfaces?',
    ],
    [
      'a name of every object',
      of({ net: { constructor: [] } }),
      'desired.json:1:32 /plugins/net/constructor: is no part of net; known are interfaces, routes, hostname',
    ],
    [
      'an object for a list',
      of({ net: { interfaces: {} } }),
      'desired.json:1:32 /plugins/net/interfaces: is not a list',
    ],
    [
      'a list for an object',
      of({ systemd: { units: [] } }),
      'desired.json:1:36 /plugins/systemd/units: is not an object',
    ],
    [
      'null for a unit',
      of({ systemd: { units: { 'a.service': null } } }),
      'desired.json:1:45 /plugins/systemd/units/a.service: is not an object; to have it removed, write {"ensure":"absent"}',
    ],
    [
      'no name',
      of({ net: { interfaces: [{ name: 'a' }, { type: 'bridge' }] } }),
      'desired.json:1:59 /plugins/net/interfaces/1: has no name: "name" has to be a text that is not empty, or a number',
    ],
    [
      'half a name',
      of({ net: { routes: [{ destination: '0.0.0.0/0' }] } }),
      'desired.json:1:42 /plugins/net/routes/0: has no name: "destination" and "device" have to be texts that are not empty and hold no blank, or numbers',
    ],
    [
      'a name that is neither text nor number',
      of({ lxc: { containers: [{ id: true }] } }),
      'desired.json:1:46 /plugins/lxc/containers/0: has no name: "id" has to be a text that is not empty, or a number',
    ],
    [
      'one resource twice',
      of({ net: { interfaces: [{ name: 'a' }, { name: 'a' }] } }),
      'desired.json:1:59 /plugins/net/interfaces/1: is the second of the name "a", after /plugins/net/interfaces/0',
    ],
    [
      'another ensure',
      of({ net: { interfaces: [{ name: 'a', ensure: 'gone' }] } }),
      'desired.json:1:58 /plugins/net/interfaces/0/ensure: is neither "present" nor "absent"',
    ],
    [
      'prune that says nothing',
      of({ net: { prune: 'yes' } }),
      'desired.json:1:32 /plugins/net/prune: is neither true nor false',
    ],
    [
      'prune where nothing is pruned',
      of({ lxc: { prune: true } }),
      'desired.json:1:32 /plugins/lxc/prune: plugin lxc removes nothing by itself',
    ],
    [
      'prune of no set',
      of({ systemd: { units: { a: { prune: true } } } }),
      'desired.json:1:50 /plugins/systemd/units/a/prune: has nothing to remove: none of its lists is a set',
    ],
    [
      'a set that is none',
      of({ net: { interfaces: [{ name: 'a', trunks: 5 }] } }),
      'desired.json:1:58 /plugins/net/interfaces/0/trunks: is not a list',
    ],
    [
      'an integer that is not kept',
      of({ net: { interfaces: [{ name: 'a', n: 0 }] } }).replace('0', '9007199254740993'),
      'desired.json:1:58 /plugins/net/interfaces/0/n: is an integer beyond 2^53, which is not kept exactly: write it as text, "9007199254740993"',
    ],
    [
      'a number beyond all',
      of({ net: { interfaces: [{ name: 'a', n: 0 }] } }).replace('0', '1e999'),
      'desired.json:1:58 /plugins/net/interfaces/0/n: is Infinity, which JSON does not have',
    ],
    [
      'what the plugin says',
      of({ net: { interfaces: [{ name: 'a', mtu: 9 }] } }),
      'desired.json:1:58 /plugins/net/interfaces/0/mtu: is below 68',
    ],
  ])('is refused: %s', (_what, text, told) => {
    expect(complaint(text)).toBe(told)
  })

  it('is refused for all that is wrong in it, in the order of the text: ten are told, and the rest counted', () => {
    const interfaces = Array.from({ length: 30 }, (_, index) => ({ name: `vi${index}`, mtu: index < 12 ? 1 : 1500 }))
    const [first, ...rest] = complaint(of({ net: { interfaces } })).split('\n')
    expect(first).toBe('desired.json:1:60 /plugins/net/interfaces/0/mtu: is below 68')
    expect([rest.length, rest.at(-1)]).toEqual([10, 'and 2 more'])

    const lines = complaint('{\n"plugins": {\n"systemd": {"units": {"a": 1}},\n"lxc": []},\n"version": 3\n}').split(
      '\n',
    )
    expect(lines.map(line => line.split(': ', 1)[0])).toEqual([
      'desired.json:3:23 /plugins/systemd/units/a',
      'desired.json:4:1 /plugins/lxc',
      'desired.json:5:1 /version',
    ])
  })

  it('steers no terminal, whatever is called how', () => {
    const told = complaint(JSON.stringify({ plugins: { 'a\n\u001b[2J\u202e': {} } }))
    expect(told).toBe('desired.json:1:13 /plugins/a··[2J·: is no plugin; known are net, lxc, systemd')
  })

  it('is refused beyond 16 MiB, and beyond 128 levels before any parser sees it', () => {
    const long = `{"plugins":{},"x":"${'x'.repeat(16 * 1024 * 1024)}"}`
    expect(complaint(long)).toBe('desired.json: is over 16 MiB')
    expect(complaint(new TextEncoder().encode(long))).toBe('desired.json: is over 16 MiB')
    const nested = (depth: number) =>
      `{"plugins":{"net":{"interfaces":[{"name":"a\\"[[","x":${'['.repeat(depth)}${']'.repeat(depth)}}]}}}`
    expect(() => read(nested(123))).not.toThrow()
    expect(complaint(nested(124))).toBe('desired.json:1:177: is nested deeper than 128')
    expect(complaint(`\n${'['.repeat(1_000_000)}`)).toBe('desired.json:2:129: is nested deeper than 128')
  })

  it('may come from a program: checked once for the same plugins, and then as it is', () => {
    const value = { plugins: { net: { interfaces: [{ name: 'a', n: 2n ** 63n, gone: undefined }] } } }
    const desired = checkDesired(value, plugins)
    expect(desired.plugins.net).toStrictEqual({
      prune: false,
      state: { interfaces: [{ n: '9223372036854775808', name: 'a' }] },
    })
    expect(checkDesired(desired, [...plugins])).toBe(desired)
    expect(() => checkDesired(desired, plugins.slice(1))).toThrow('/plugins/net: is no plugin; known are lxc, systemd')
    for (const bad of [
      undefined,
      null,
      7,
      () => {},
      new Map(),
      { plugins: { net: new Date(0) } },
      { plugins: { net: { interfaces: [{ name: 'a', n: 2 ** 60 }] } } },
    ]) {
      expect(() => checkDesired(bad, plugins)).toThrow(OpDbusError)
    }
    const circle: Record<string, unknown> = {}
    circle.plugins = circle
    expect(() => checkDesired(circle, plugins)).toThrow('/plugins: leads back to what it is in')
  })

  it('is shown to its plugin with the words that decide how it is judged, and cannot be changed by it', () => {
    const tools = toolsIn({ PATH: '/nowhere' })
    const real = [netPlugin(tools, { ovsdb: '/nowhere/db.sock' })]
    const twice = [
      { name: 'br0', type: 'ovs-bridge', ports: ['p1'] },
      { name: 'br1', type: 'ovs-bridge', ports: ['p1'] },
    ]
    const of = (...interfaces: object[]) => checkDesired({ plugins: { net: { interfaces } } }, real)
    expect(() => of(...twice)).toThrow('p1 is to be in br0 and in br1')
    expect(() => of(twice[0]!, { ...twice[1], ensure: 'absent' })).not.toThrow()
    expect(() => of(twice[0]!, { name: 'p1', ensure: 'absent' })).toThrow('p1 is to be in br0, and to be absent')
    const drops: StatePlugin = {
      ...plugins[0]!,
      check: ({ interfaces }) => (interfaces as unknown[]).splice(0) && [],
    }
    expect(() => checkDesired({ plugins: { net: { interfaces: [{ name: 'a' }] } } }, [drops])).toThrow(
      'failed when it checked',
    )
  })

  it('that a plugin fails to check is the fault of the plugin', () => {
    const faulty: StatePlugin = {
      ...plugins[0]!,
      check: () => {
        throw new TypeError('oh')
      },
    }
    expect(() => checkDesired({ plugins: { net: {} } }, [faulty])).toThrow(
      expect.objectContaining({ code: 'PLUGIN_FAILED', details: { plugin: 'net' } }),
    )
  })
})
