// From any network of Open vSwitch to any other, and back: what was desired is so, and what was there before is there again.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import { diffState, diffWhole } from '../../src/state/diff.js'
import { normaliseState } from '../../src/state/normalise.js'
import type { StatePlugin } from '../../src/state/plugin.js'
import { findResource } from '../../src/state/resources.js'
import { Ovs } from '../real/ovs.js'
import { describeWith } from '../real/parts.js'
import { applied, closePlugins, netOf, never, query } from './net-support.js'

const texts = fc.dictionary(fc.constantFrom('a', 'b', 'c/d~'), fc.constantFrom('1', 'zwei ✓'), { maxKeys: 3 })
const trunks = fc.uniqueArray(fc.nat(4095), { maxLength: 3 }).map(list => list.sort((a, b) => a - b))
const bridge = fc.record({
  external_ids: texts,
  stp_enable: fc.boolean(),
  fail_mode: fc.option(fc.constantFrom('secure', 'standalone')),
  controllers: fc.subarray(['ssl:127.0.0.1:1', 'tcp:127.0.0.1:1', 'tcp:127.0.0.1:2']),
})
const port = fc.record({
  on: fc.constantFrom('br0', 'br1', 'br2'),
  tag: fc.option(fc.nat(4095)),
  trunks,
  external_ids: texts,
  interface_external_ids: texts,
  /** A bond, or an interface of its own name. */
  bond: fc.boolean(),
})
const network = fc.record({
  bridges: fc.dictionary(fc.constantFrom('br0', 'br1', 'br2'), bridge, { maxKeys: 3 }),
  ports: fc.dictionary(fc.constantFrom('p0', 'p1', 'p2', 'p3'), port, { maxKeys: 4 }),
})
type Network = typeof network extends fc.Arbitrary<infer T> ? T : never

/** All that may be, as one desired state: what is not in the network is to be absent. */
function desiredOf({ bridges, ports }: Network): JsonObject[] {
  const resources: JsonObject[] = []
  for (const name of ['br0', 'br1', 'br2']) {
    const found = bridges[name]
    resources.push(found ? { name, type: 'ovs-bridge', ...found } : { name, ensure: 'absent' })
  }
  for (const name of ['p0', 'p1', 'p2', 'p3']) {
    const found = ports[name]
    if (!found || !bridges[found.on]) {
      resources.push({ name, ensure: 'absent' })
      continue
    }
    const { on, bond, interface_external_ids, ...fields } = found
    const own: JsonObject = bond
      ? { interfaces: [`${name}a`, `${name}b`] }
      : { interfaces: null, interface_external_ids }
    resources.push({ name, type: 'ovs-port', bridge: on, ...fields, ...own })
  }
  return resources
}

describeWith('ovs', 'any network', () => {
  let ovs: Ovs
  let net: StatePlugin
  beforeAll(async () => {
    ovs = await Ovs.start({ vswitchd: false })
    net = netOf({ ovsdb: ovs.socket, configureMs: 0 })
  })
  afterAll(async () => {
    await closePlugins()
    await ovs.close()
  })
  const now = async () => normaliseState(await query(net), net)

  it('becomes any other, and comes back', async () => {
    await fc.assert(
      fc.asyncProperty(network, network, async (before, after) => {
        for (const wanted of [before, after]) {
          const state = { interfaces: desiredOf(wanted) }
          expect(net.check?.(state)).toEqual([])
          const desired = { prune: false, state }
          const current = await now()
          const actions = diffState(net, current, desired).filter(({ kind }) => kind !== 'none')
          expect(actions.filter(action => 'refused' in action)).toEqual([])
          const extra = JSON.parse(JSON.stringify(await net.checkpoint?.(actions, { signal: never })))
          await applied(net, actions)
          const then = await now()
          expect(diffState(net, then, desired).filter(({ kind }) => kind !== 'none')).toEqual([])
          // And back, and forth again by the rollback of the rollback.
          const back = actions.map(({ resource }) => {
            return diffWhole(
              net,
              resource,
              findResource(net, then, resource),
              findResource(net, current, resource) ?? null,
            )
          })
          const steps = back.filter(({ kind }) => kind !== 'none')
          const forth = JSON.parse(JSON.stringify(await net.checkpoint?.(steps, { signal: never })))
          await applied(net, steps, call => net.rollback!(steps, extra, call))
          const returned = await now()
          expect(returned).toEqual(current)
          const again = actions.map(({ resource }) => {
            return diffWhole(
              net,
              resource,
              findResource(net, returned, resource),
              findResource(net, then, resource) ?? null,
            )
          })
          const redo = again.filter(({ kind }) => kind !== 'none')
          await applied(net, redo, call => net.rollback!(redo, forth, call))
          expect(await now()).toEqual(then)
        }
      }),
      { numRuns: 25 },
    )
  })
})
