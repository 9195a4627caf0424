// Plans as files: what is written is read again, and what is no plan is refused.
import { describe, expect, it } from 'vitest'
import { isOpDbusError } from '../../src/errors.js'
import { checkDesired, desiredFile } from '../../src/state/desired.js'
import { diffState } from '../../src/state/diff.js'
import { normaliseState } from '../../src/state/normalise.js'
import { readPlan } from '../../src/state/plan-file.js'
import { planText } from '../../src/state/plan-text.js'
import type { Plan } from '../../src/state/reports.js'
import { net, plugins } from './samples.js'

const desired = checkDesired(
  {
    plugins: {
      net: {
        prune: true,
        interfaces: [{ name: 'eth0', ensure: 'absent' }, { name: 'new' }, { name: 'br0', mtu: 9000, x: null }],
      },
    },
  },
  plugins,
)
const current = normaliseState(
  {
    interfaces: [
      { name: 'br0', mtu: 1500, x: [null, { y: null }] },
      { name: 'eth0', type: 'ethernet' },
      { name: 'old' },
    ],
  },
  net,
)
const plan: Plan = {
  'op-dbus': 'plan',
  version: 1,
  created: '2026-11-27T17:15:00.123Z',
  to: { desired },
  diffs: [
    {
      plugin: 'net',
      version: '1',
      currentHash: 'a'.repeat(64),
      desiredHash: '0'.repeat(64),
      actions: diffState(net, current, desired.plugins.net!),
    },
  ],
}

function complaint(text: string | Uint8Array): string {
  try {
    readPlan(text, 'net.plan')
  } catch (error) {
    if (isOpDbusError(error, 'INVALID_INPUT')) return error.message
    throw error
  }
  throw new Error('it is a plan')
}

// biome-ignore lint/suspicious/noExplicitAny: what is changed is no plan any more
type Loose = Record<string, any>
const changed = (change: (plan: Loose) => void) => {
  const copy = structuredClone(plan) as Plan & Loose
  change(copy)
  return planText(copy)
}

describe('a plan', () => {
  it('is the same after a file, for a desired state and for a checkpoint', () => {
    expect(plan.diffs[0]!.actions.map(({ kind }) => kind)).toEqual(['modify', 'delete', 'create', 'delete'])
    const read = readPlan(planText(plan), 'net.plan')
    expect(read).toStrictEqual(JSON.parse(JSON.stringify(plan)))
    expect(Object.isFrozen(read.diffs[0]!.actions)).toBe(true)
    if (!('desired' in read.to)) throw new Error('it leads elsewhere')
    expect(checkDesired(desiredFile(read.to.desired), plugins)).toStrictEqual(desired)
    const trouble = { lxc: { kind: 'unavailable', message: 'no lxc-ls here' } } as const
    const back: Plan = { ...plan, to: { checkpoint: '20261127T171500.123Z-1a2b3c4d' }, diffs: [], trouble }
    expect(readPlan(planText(back), 'net.plan')).toStrictEqual(back)
  })

  it.each<[what: string, text: string, told: RegExp]>([
    ['half a file', planText(plan).slice(0, 200), /^net\.plan:\d+:\d+: is not JSON: /],
    [
      'a desired file',
      '{"version":1,"plugins":{}}',
      /^net\.plan:1:1: is no plan; one is made by: op-dbus apply FILE --dry-run --plan OUT$/,
    ],
    ['a list', '[]', /^net\.plan:1:1: is no plan; /],
    [
      'another version',
      changed(p => Object.assign(p, { version: 2, more: 1 })),
      /^net\.plan:3:3 \/version: is 2, and this op-dbus reads plans of version 1; make it again: /,
    ],
    ['another member', changed(p => Object.assign(p, { more: 1 })), /^net\.plan:\d+:3 \/more: is no member of a plan$/],
    ['no diffs', changed(p => delete p.diffs), /^net\.plan:1:1 \/diffs: is missing or not what a plan has here$/],
    [
      'an unknown action',
      changed(p => Object.assign(p.diffs[0].actions[0], { kind: 'reboot' })),
      /^net\.plan:\d+:\d+ \/diffs\/0\/actions\/0\/kind: is none of create, modify, delete and none$/,
    ],
    [
      'a change of nothing',
      changed(p => Object.assign(p.diffs[0].actions[0], { changes: [{ path: '/x' }] })),
      /\/diffs\/0\/actions\/0\/changes\/0: has neither old nor new$/,
    ],
    [
      'no hash',
      changed(p => Object.assign(p.diffs[0], { currentHash: 'x' })),
      /\/diffs\/0\/currentHash: is no SHA-256 in hexadecimal$/,
    ],
    ['leads nowhere', changed(p => Object.assign(p, { to: {} })), /\/to: is neither a desired state nor a checkpoint$/],
    [
      'a name twice',
      planText(plan).replace('"version": 1,', '"version": 1, "version": 1,'),
      /^net\.plan:3:17 \/version: is there twice$/,
    ],
  ])('is not: %s', (_what, text, told) => {
    expect(complaint(text)).toMatch(told)
  })
})
