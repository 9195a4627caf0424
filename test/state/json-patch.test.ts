// Diffs as JSON patches: applied as RFC 6902 says, they leave nothing that differs.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import { stepsOf } from '../../src/json/pointer.js'
import { checkDesired } from '../../src/state/desired.js'
import { diffState } from '../../src/state/diff.js'
import { jsonPatch, type Operation } from '../../src/state/json-patch.js'
import { normaliseState } from '../../src/state/normalise.js'
import { net, netStates, plugins, systemd, systemdStates } from './samples.js'

const states = fc.record({ net: netStates, systemd: systemdStates })

function current(answers: { net: unknown; systemd: unknown }): { plugins: Record<string, JsonObject> } {
  return { plugins: { net: normaliseState(answers.net, net), systemd: normaliseState(answers.systemd, systemd) } }
}

function patchFor(document: { plugins: Record<string, JsonObject> }, wish: object): Operation[] {
  const desired = checkDesired({ plugins: wish }, plugins)
  const diffs = plugins
    .filter(({ name }) => desired.plugins[name])
    .map(plugin => ({
      ...{ plugin: plugin.name, version: plugin.version, currentHash: '', desiredHash: '' },
      actions: diffState(plugin, document.plugins[plugin.name] ?? {}, desired.plugins[plugin.name]!),
    }))
  return jsonPatch(document, diffs, plugins)
}

describe('a diff as a JSON patch', () => {
  it('tests first, then changes, removes from the last on, and adds', () => {
    const document = current({
      net: { interfaces: [{ name: 'a' }, { name: 'b', mtu: 1500, ids: { 'x/y': '1' } }, { name: 'c' }] },
      systemd: {},
    })
    const wish = {
      net: {
        interfaces: [
          { name: 'a', ensure: 'absent' },
          { name: 'b', mtu: 9000, ids: { 'x/y': null }, up: true },
          { name: 'c', ensure: 'absent' },
          { name: 'd' },
        ],
        hostname: { is: 'here' },
      },
      systemd: { units: { 'x.service': { enabled: true } } },
    }
    expect(patchFor(document, wish)).toStrictEqual([
      { op: 'test', path: '/plugins/net/interfaces/0', value: { name: 'a' } },
      { op: 'test', path: '/plugins/net/interfaces/1/name', value: 'b' },
      { op: 'test', path: '/plugins/net/interfaces/1/ids/x~1y', value: '1' },
      { op: 'test', path: '/plugins/net/interfaces/1/mtu', value: 1500 },
      { op: 'test', path: '/plugins/net/interfaces/2', value: { name: 'c' } },
      { op: 'remove', path: '/plugins/net/interfaces/1/ids/x~1y' },
      { op: 'replace', path: '/plugins/net/interfaces/1/mtu', value: 9000 },
      { op: 'add', path: '/plugins/net/interfaces/1/up', value: true },
      { op: 'remove', path: '/plugins/net/interfaces/2' },
      { op: 'remove', path: '/plugins/net/interfaces/0' },
      { op: 'add', path: '/plugins/net/interfaces/-', value: { name: 'd' } },
      { op: 'add', path: '/plugins/net/hostname', value: { is: 'here' } },
      { op: 'add', path: '/plugins/systemd/units', value: {} },
      { op: 'add', path: '/plugins/systemd/units/x.service', value: { enabled: true } },
    ])
  })

  it('leaves nothing that differs, whatever was there', () => {
    fc.assert(
      fc.property(states, states, fc.boolean(), (answers, wish, prune) => {
        const document = current(answers)
        const wished = { net: { ...wish.net, prune }, systemd: { ...wish.systemd, prune } }
        const after = patched(document, patchFor(document, wished)) as { plugins: Record<string, unknown> }
        expect(patchFor(current(after.plugins as { net: unknown; systemd: unknown }), wished)).toEqual([])
      }),
    )
  })

  it('fails on a document that moved', () => {
    const document = current({ net: { interfaces: [{ name: 'a', mtu: 1 }] }, systemd: {} })
    const patch = patchFor(document, { net: { interfaces: [{ name: 'a', mtu: 1400 }] } })
    const moved = current({ net: { interfaces: [{ name: 'Z' }, { name: 'a', mtu: 1 }] }, systemd: {} })
    expect(() => patched(moved, patch)).toThrow('test failed')
  })
})

// biome-ignore lint/suspicious/noExplicitAny: any document
type Loose = Record<string, any>

/** RFC 6902, of test, add, replace and remove; strict: what is replaced or removed has to be there. */
function patched(document: unknown, patch: readonly Operation[]): unknown {
  const root = structuredClone(document) as Loose
  for (const operation of patch) {
    const steps = stepsOf(operation.path)!
    const last = steps.pop()!
    const parent = steps.reduce<Loose>((at, name) => {
      if (!Object.hasOwn(at, name)) throw new Error(`no ${operation.path}`)
      return at[name]
    }, root)
    const there = Object.hasOwn(parent, last)
    if (operation.op !== 'add' && !there) throw new Error(`no ${operation.path}`)
    if (operation.op === 'test') {
      if (sorted(parent[last]) !== sorted(operation.value)) throw new Error(`test failed: ${operation.path}`)
    } else if (Array.isArray(parent)) {
      if (operation.op === 'remove') parent.splice(Number(last), 1)
      else parent.splice(last === '-' ? parent.length : Number(last), 0, structuredClone(operation.value))
    } else if (operation.op === 'remove') {
      delete parent[last]
    } else {
      parent[last] = structuredClone(operation.value)
    }
  }
  return root
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  )
}
