// What ovs-vswitchd and others do to a real Open vSwitch is told, at once; and what it costs to ask.
import { once } from 'node:events'
import { mkdirSync, renameSync, rmdirSync, symlinkSync, unlinkSync, watch as watchFolder } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Outcome } from '../../src/state/plugin.js'
import { CountingProxy, Ovs } from '../real/ovs.js'
import { describeWith } from '../real/parts.js'
import { deferred, temporaryFolder } from '../support.js'
import { applied, closePlugins, create, NO_IP, netOf, never, query, useOvs } from './net-support.js'

describeWith('ovs', 'a real Open vSwitch among others', () => {
  const { ovs, net } = useOvs()

  it('says what ovs-vswitchd could not do, and what it has not done yet', async () => {
    const outcomes = await applied(net(), [
      create('br0', { type: 'ovs-bridge' }),
      create('bad', { type: 'ovs-port', bridge: 'br0', ovs_type: 'nosuch' }),
      create('br1', { type: 'ovs-bridge', datapath_type: 'nosuch' }),
    ])
    expect(outcomes.br0).toEqual({ status: 'done' })
    expect(outcomes.br1).toMatchObject({ status: 'pending', message: expect.stringContaining('could not make') })
    expect(outcomes.bad).toMatchObject({ status: 'pending', message: expect.stringContaining('ovs-vswitchd says') })
    const told: string[] = []
    await query(netOf({ ovsdb: ovs().socket }, NO_IP, told))
    expect(told).toEqual([expect.stringMatching(/has not made br1:/)])
    const alone = await Ovs.start({ vswitchd: false })
    try {
      const warnings: string[] = []
      const unconfigured = netOf({ ovsdb: alone.socket, configureMs: 20 }, NO_IP, warnings)
      const { br1 } = await applied(unconfigured, [create('br1', { type: 'ovs-bridge' })])
      expect(br1).toMatchObject({
        status: 'pending',
        message: expect.stringContaining('not yet configured by ovs-vswitchd'),
      })
      expect(await alone.vsctl('list-br')).toBe('br1\n')
      await query(unconfigured)
      expect(warnings).toEqual([expect.stringMatching(/has not carried out .*\(0 of 1\)/)])
    } finally {
      await closePlugins()
      await alone.close()
    }
  })

  it('says that it is committed where the time is over before ovs-vswitchd has configured it', async () => {
    const alone = await Ovs.start({ vswitchd: false })
    const proxy = await CountingProxy.start(join(alone.dir, 'proxy.sock'), alone.socket)
    try {
      const over = new AbortController()
      proxy.before = (_, params) => {
        if (JSON.stringify(params).includes('cur_cfg","<"')) over.abort()
      }
      const told: Outcome[] = []
      const apply = netOf({ ovsdb: proxy.socket, configureMs: 60_000 }).apply!(
        [create('br0', { type: 'ovs-bridge' })],
        {
          signal: over.signal,
          report: (_, outcome) => void told.push(outcome),
        },
      )
      await expect(apply).rejects.toMatchObject({ code: 'ABORTED' })
      expect(told).toEqual([{ status: 'pending', message: expect.stringMatching(/^committed/) }])
    } finally {
      await closePlugins()
      await proxy.close()
      await alone.close()
    }
  })

  it('is not over before the database has answered what it was sent, or is known to be lost', async () => {
    const proxy = await CountingProxy.start(join(ovs().dir, 'late.sock'), ovs().socket)
    try {
      const [sent, passed] = [deferred<void>(), deferred<void>()]
      proxy.before = (_, params) => {
        if (!JSON.stringify(params).includes('"next_cfg","+="')) return
        sent.resolve()
        return passed.promise
      }
      const over = new AbortController()
      const told: Outcome[] = []
      const report = (_: unknown, outcome: Outcome) => void told.push(outcome)
      const behind = netOf({ ovsdb: proxy.socket })
      let settled = false
      const apply = behind.apply!([create('br0', { type: 'ovs-bridge' })], { signal: over.signal, report }).finally(
        () => {
          settled = true
        },
      )
      apply.catch(() => {})
      await sent.promise
      over.abort()
      expect(await ovs().vsctl('list-br')).toBe('')
      expect([settled, told]).toEqual([false, []])
      passed.resolve()
      await expect(apply).rejects.toMatchObject({ code: 'ABORTED' })
      expect(await ovs().vsctl('list-br')).toBe('br0\n')
      expect(told).toEqual([{ status: 'pending', message: expect.stringMatching(/^committed/) }])

      proxy.before = (_, params) => {
        if (JSON.stringify(params).includes('"next_cfg","+="')) proxy.break()
      }
      told.length = 0
      const lost = behind.apply!([create('br1', { type: 'ovs-bridge' })], { signal: never, report })
      await expect(lost).rejects.toMatchObject({ code: 'PLUGIN_FAILED' })
      expect(told).toEqual([{ status: 'pending', message: expect.stringMatching(/^sent, and whether .* not known/) }])
    } finally {
      await closePlugins()
      await proxy.close()
    }
  })

  it('tells at once what somebody else changes, and that it is lost', async () => {
    const told = signals()
    const watch = await net().watch!(told.watcher, { signal: never })
    const made = told.changed()
    await ovs().vsctl('add-br br0')
    await made
    // Nothing is missed between a change and the next.
    for (const meddle of [
      ['add-port', 'br0', 'p1'],
      ['set', 'port', 'p1', 'tag=4'],
      ['br-set-external-id', 'br0', 'a', 'b'],
      ['del-port', 'p1'],
    ]) {
      const next = told.changed()
      await ovs().vsctl(...meddle)
      await next
    }
    watch.close()
    const proxy = await CountingProxy.start(join(ovs().dir, 'watch.sock'), ovs().socket)
    try {
      await netOf({ ovsdb: proxy.socket }).watch!(told.watcher, { signal: never })
      expect(proxy.calls.get('monitor_cond_since')).toBe(1)
      proxy.break()
      expect(await told.lost).toContain('closed the connection')
    } finally {
      await proxy.close()
    }
  })

  it('says that nobody listens while the server is down, tells watchers, and asks the next one', async () => {
    const own = await Ovs.start({ vswitchd: false })
    try {
      const asking = netOf({ ovsdb: own.socket })
      await own.vsctl('add-br br0')
      const before = await query(asking)
      const told = signals()
      await asking.watch!(told.watcher, { signal: never })
      await own.stopServer()
      await told.lost
      const down = { code: 'PLUGIN_FAILED', message: expect.stringContaining('nobody listens there') }
      await expect(query(asking)).rejects.toMatchObject(down)
      await expect(asking.watch!(told.watcher, { signal: never })).rejects.toMatchObject(down)
      await own.startServer()
      expect(await query(asking)).toEqual(before)
    } finally {
      await closePlugins()
      await own.close()
    }
  })

  it('asks the server that has taken the path over, and tells watchers', async () => {
    const path = join(ovs().dir, 'taken.sock')
    const old = await CountingProxy.start(path, ovs().socket)
    const next = await CountingProxy.start(`${path}.next`, ovs().socket)
    try {
      const asking = netOf({ ovsdb: path })
      const told = signals()
      await asking.watch!(told.watcher, { signal: never })
      await query(asking)
      renameSync(next.socket, path)
      expect(await told.lost).toContain('another Open vSwitch')
      await query(asking)
      expect([old.transacts, next.transacts]).toEqual([1, 1])
    } finally {
      await closePlugins()
      await old.close()
      await next.close()
    }
  })

  it('tells nothing any more where Open vSwitch comes while only the kernel is listened to', async () => {
    const folder = join(temporaryFolder(), 'run')
    const [told, anew] = [signals(), signals()]
    const env = { ...NO_IP, OVS_RUNDIR: folder }
    await netOf({}, env).watch!(told.watcher, { signal: never })
    mkdirSync(folder)
    await netOf({}, env).watch!(anew.watcher, { signal: never })
    // The same path, and on many file systems the same inode. What its watchers are told of it comes at once, in one turn.
    const beside = watchFolder(folder)
    const gone = once(beside, 'change')
    rmdirSync(folder)
    mkdirSync(folder)
    await gone
    beside.close()
    await new Promise(resolve => setImmediate(resolve))
    const proxy = await CountingProxy.start(join(folder, 'db.sock'), ovs().socket)
    try {
      expect(await told.lost).toContain('another Open vSwitch')
      expect(await anew.lost).toContain('another Open vSwitch')
    } finally {
      await proxy.close()
    }
  })

  it('stays with the system that a link led to when it was made', async () => {
    const dir = temporaryFolder()
    const [link, later] = [join(dir, 'link'), join(dir, 'later')]
    symlinkSync(ovs().socket, link)
    // Nothing is there yet, and still it is the same system.
    symlinkSync(join(ovs().dir, 'none.sock'), later)
    const [asking, waiting] = [netOf({ ovsdb: link }), netOf({ ovsdb: later })]
    expect([asking.scope, waiting.scope]).toEqual([`unix:${ovs().socket}`, `unix:${ovs().dir}/none.sock`])
    for (const each of [link, later]) {
      unlinkSync(each)
      symlinkSync(join(dir, 'elsewhere'), each)
    }
    await ovs().vsctl('add-br br0')
    expect(await query(asking)).toMatchObject({ interfaces: [{ name: 'br0' }] })
    // A circle leads nowhere, and ends.
    unlinkSync(link)
    symlinkSync(link, link)
    expect(netOf({ ovsdb: link }).unavailable?.()).toContain('there is no socket')
  })

  it('asks once for each query, over one connection', async () => {
    const proxy = await CountingProxy.start(join(ovs().dir, 'count.sock'), ovs().socket)
    try {
      const behind = netOf({ ovsdb: proxy.socket })
      await query(behind)
      await Promise.all([query(behind), query(behind)])
      expect(proxy.transacts).toBe(3)
      proxy.break()
      await query(behind)
      expect(proxy.transacts).toBe(4)
    } finally {
      await proxy.close()
    }
  })
})

function signals() {
  let next = deferred<void>()
  const lost = deferred<string>()
  return {
    watcher: { changed: () => next.resolve(), lost: (why: string) => lost.resolve(why) },
    /** Resolves at the next one. */
    changed: () => {
      next = deferred<void>()
      return next.promise
    },
    lost: lost.promise,
  }
}
