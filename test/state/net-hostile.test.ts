// The plugin `net` before a database that answers garbage, halves, too much, nothing at all, or says no.
import { once } from 'node:events'
import { mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { OpDbusError } from '../../src/errors.js'
import { type ClientEvents, isUnknownMethod, mayHaveHappened, OvsdbClient } from '../../src/state/plugins/net/client.js'
import { MessageFramer } from '../../src/state/plugins/net/framing.js'
import { deferred, temporaryFolder } from '../support.js'
import { closePlugins, netOf, never, query } from './net-support.js'

interface Call {
  readonly id: number
  readonly method: string
  readonly params: readonly unknown[]
}

/** Answers each message of a client by `answer`; ends after the test. */
class Fake {
  readonly socket = join(temporaryFolder(), 'db.sock')
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  connections = 0

  constructor(answer: (call: Call, socket: Socket) => void) {
    this.#server = createServer(socket => {
      this.connections++
      this.#sockets.add(socket)
      const framer = new MessageFramer(1 << 20)
      socket.on('error', () => {})
      socket.on('data', chunk => {
        for (const call of framer.push(chunk)) answer(call as unknown as Call, socket)
      })
    })
  }

  static async start(answer: (call: Call, socket: Socket) => void): Promise<Fake> {
    const fake = new Fake(answer)
    fakes.push(fake)
    fake.#server.listen(fake.socket)
    await once(fake.#server, 'listening')
    return fake
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

const fakes: Fake[] = []
const clients: OvsdbClient[] = []
afterEach(async () => {
  await closePlugins()
  for (const client of clients.splice(0)) client.close()
  await Promise.all(fakes.splice(0).map(fake => fake.close()))
})

function clientOf(fake: Fake, ...how: [events?: ClientEvents, idleMs?: number]): OvsdbClient {
  const client = new OvsdbClient(fake.socket, ...how)
  clients.push(client)
  return client
}

const reply = (id: number, result: unknown, error: unknown = null) => JSON.stringify({ id, result, error })
const empty = [{ rows: [] }, { rows: [] }, { rows: [] }, { rows: [] }, { rows: [] }]

it('rejects all that wait, at once and with the reason, when the stream is none', async () => {
  const ways: readonly (readonly [string, string])[] = [
    ['HTTP/1.1 400 Bad Request', 'no message'],
    ['{"id":1,"result":tru}', 'not JSON'],
    ['[1]', 'no message'],
    ['{"id":1,"resu', 'in the middle of a message'],
    ['', 'closed the connection'],
    ['{"id":99,"result":[],"error":null}', 'a call that was not made'],
    ['{"id":null,"result":null,"error":"syntax error"}', 'syntax error'],
    ['{}', 'a call that was not made'],
  ]
  for (const [said, why] of ways) {
    const fake = await Fake.start(({ id }, socket) => {
      if (id === 2) socket.end(said)
    })
    const client = clientOf(fake)
    const both = await Promise.allSettled([client.call('one', [], never), client.call('two', [], never)])
    for (const settled of both) {
      expect(settled).toMatchObject({
        status: 'rejected',
        reason: { code: 'PLUGIN_FAILED', message: expect.stringContaining(why) },
      })
    }
  }
})

it('understands an answer that is cut anywhere, with others before and behind it', async () => {
  const rows = [{ _uuid: ['uuid', 'x'], name: 'brücke "1"', ports: ['set', []] }]
  const answer = (id: number) => [
    { rows: [] },
    { rows },
    { rows: [] },
    { rows: [] },
    { rows: [{ _uuid: ['uuid', 'y'], id }] },
  ]
  let cuts: readonly number[] = [1]
  const fake = await Fake.start(async ({ id, method }, socket) => {
    // The answer to our echo.
    if (method === undefined) return
    const bytes = Buffer.from(`${JSON.stringify({ method: 'echo', params: [], id: 'echo' })}${reply(id, answer(id))}`)
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const length = 1 + cuts[i % cuts.length]!
      // A turn of the event loop between them, so that they arrive one by one.
      socket.write(bytes.subarray(at, at + length))
      await new Promise(resolve => setImmediate(resolve))
      at += length
    }
  })
  const client = clientOf(fake)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(60), { minLength: 1, maxLength: 5 }), async some => {
      cuts = some
      expect(await client.read(Array(5).fill({ op: 'select' }), never)).toMatchObject([[], rows, [], [], [{}]])
    }),
    { numRuns: 20 },
  )
})

it('closes a connection that nobody uses, and never one that monitors', async () => {
  const monitors = deferred<Socket>()
  const idle = deferred<Socket>()
  const fake = await Fake.start(({ id, method }, socket) => {
    if (method === 'monitor') monitors.resolve(socket)
    else idle.resolve(socket)
    socket.write(reply(id, []))
  })
  const told = deferred<string>()
  const watching = clientOf(fake, { onNotification: told.resolve, onLost: told.resolve }, 1)
  await watching.call('monitor', [], never)
  await clientOf(fake, {}, 1).call('select', [], never)
  // Its time is over after that of the other.
  await once(await idle.promise, 'close')
  ;(await monitors.promise).write(JSON.stringify({ method: 'update', params: [], id: null }))
  expect(await told.promise).toBe('update')
})

it('answers echo with what it was asked', async () => {
  const echoed = deferred<unknown>()
  const fake = await Fake.start((call, socket) => {
    if (call.method) socket.write(JSON.stringify({ method: 'echo', params: [1, 'two'], id: 'echo' }))
    else echoed.resolve(call)
  })
  void clientOf(fake)
    .call('anything', [], never)
    .catch(() => {})
  expect(await echoed.promise).toEqual({ id: 'echo', result: [1, 'two'], error: null })
})

it('gives each call its own answer, in whatever order they come', async () => {
  const waiting: (() => void)[] = []
  const fake = await Fake.start(({ id, method }, socket) => {
    waiting.unshift(() => socket.write(reply(id, method)))
    if (waiting.length === 3) for (const answer of waiting) answer()
  })
  const client = clientOf(fake)
  const answers = Promise.all(['a', 'b', 'c'].map(method => client.call(method, [], never)))
  expect(await answers).toEqual(['a', 'b', 'c'])
})

it('ends a call by its signal, and asks again over a new connection', async () => {
  let silent = true
  const asked = deferred<void>()
  const fake = await Fake.start(({ id }, socket) => {
    if (silent) asked.resolve()
    else socket.write(reply(id, empty))
  })
  const net = netOf({ ovsdb: fake.socket })
  const deadline = new AbortController()
  const hanging = net.query({ signal: deadline.signal })
  await asked.promise
  const late = new OpDbusError('PLUGIN_FAILED', 'net did not answer in time')
  deadline.abort(late)
  await expect(hanging).rejects.toBe(late)
  silent = false
  expect(await query(net)).toMatchObject({ interfaces: [] })
  expect(fake.connections).toBe(2)
  await expect(net.query({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
})

it('says why a query is refused: an error in the result, in the reply, or too few results', async () => {
  const ways: readonly (readonly [unknown, unknown, string])[] = [
    [[{ rows: [] }, { error: 'unknown table', details: 'no Bridge' }, null], null, 'unknown table no Bridge'],
    [[...empty, { error: 'referential integrity violation', details: 'x' }], null, 'referential integrity violation'],
    [{ error: 'unknown database', details: 'Open_vSwitch' }, null, 'unknown database'],
    [null, { error: 'unknown method' }, 'unknown method'],
    [[{ rows: [] }], null, 'something else than a result'],
    ['text', null, 'something else than a result'],
    [[null, null, null, null, null], null, 'something else than a result'],
  ]
  for (const [result, error, why] of ways) {
    const fake = await Fake.start(({ id }, socket) => socket.write(reply(id, result, error)))
    await expect(query(netOf({ ovsdb: fake.socket }))).rejects.toMatchObject({
      code: 'PLUGIN_FAILED',
      message: expect.stringContaining(why),
    })
  }
})

it('survives rows that are none of what the schema says', async () => {
  const row = fc.dictionary(
    fc.constantFrom('_uuid', 'name', 'ports', 'controller', 'interfaces', 'target', 'external_ids', 'type'),
    fc.jsonValue(),
  )
  let result: unknown = empty
  const fake = await Fake.start(({ id }, socket) => socket.write(reply(id, result)))
  const net = netOf({ ovsdb: fake.socket })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(row, { maxLength: 3 }), { minLength: 5, maxLength: 5 }), async tables => {
      result = tables.map(rows => ({ rows }))
      const state = await query(net).catch((error: unknown) => error)
      if (state instanceof Error) expect(state).toMatchObject({ code: 'PLUGIN_FAILED' })
      else expect(Array.isArray((state as { interfaces: unknown }).interfaces)).toBe(true)
    }),
    { numRuns: 100 },
  )
})

it('watches older servers by what they know, and tells when nothing more will be told', async () => {
  const methods: string[] = []
  let open: Socket | undefined
  const fake = await Fake.start(({ id, method }, socket) => {
    methods.push(method)
    open = socket
    socket.write(method === 'monitor' ? reply(id, {}) : reply(id, null, { error: 'unknown method' }))
  })
  const [changed, lost] = [deferred<void>(), deferred<string>()]
  await netOf({ ovsdb: fake.socket }).watch!({ changed: changed.resolve, lost: lost.resolve }, { signal: never })
  expect(methods).toEqual(['monitor_cond_since', 'monitor_cond', 'monitor'])
  open?.write(JSON.stringify({ method: 'update', params: ['net', {}], id: null }))
  await changed.promise
  open?.write(JSON.stringify({ method: 'monitor_canceled', params: ['net'], id: null }))
  expect(await lost.promise).toContain('cancelled')

  const refusing = await Fake.start(({ id }, socket) => socket.write(reply(id, null, 'no monitors here')))
  const watcher = { changed: () => {}, lost: () => {} }
  const refused = await clientOf(refusing)
    .transact([], never)
    .catch((error: unknown) => error)
  expect([refused instanceof OpDbusError, mayHaveHappened(refused)]).toEqual([true, false])
  await expect(netOf({ ovsdb: refusing.socket }).watch!(watcher, { signal: never })).rejects.toMatchObject({
    code: 'PLUGIN_FAILED',
  })
  expect(isUnknownMethod(new Error('unknown method'))).toBe(false)
})

it('says what is missing: no socket, nobody behind it, no ip either', async () => {
  const gone = join(temporaryFolder(), 'gone.sock')
  expect(netOf({ ovsdb: 'tcp:127.0.0.1:6640' }).unavailable?.()).toContain('is none')
  expect(netOf({ ovsdb: `unix:${gone}` }).unavailable?.()).toContain(gone)
  expect(netOf({}, { PATH: '/nowhere', OVS_RUNDIR: '/nowhere' }).unavailable?.()).toContain('no program ip')
  // What is cached is of this socket, this network namespace, and what there is to ask.
  const { scope, vantage } = netOf({}, { PATH: '/nowhere', OVS_RUNDIR: '/nowhere' })
  expect([scope, vantage]).toEqual(['unix:/nowhere/db.sock', `${readlinkSync('/proc/self/ns/net')} ip:none`])
  const folder = temporaryFolder()
  // Which of the programs ip it is says nothing: /bin and /usr/sbin may be one folder.
  const [here, there] = ['a', 'b'].map(name => {
    const PATH = join(folder, name)
    mkdirSync(PATH)
    writeFileSync(join(PATH, 'ip'), '', { mode: 0o755 })
    return netOf({}, { PATH }).vantage
  })
  expect(here).toBe(there)
  expect(here).not.toBe(vantage)
  symlinkSync('.', join(folder, 'link'))
  expect(netOf({ ovsdb: join(folder, 'link/later/db.sock') }).scope).toBe(`unix:${folder}/later/db.sock`)
  await expect(query(netOf({ ovsdb: gone }))).rejects.toMatchObject({
    code: 'PLUGIN_FAILED',
    message: expect.stringContaining('no such socket'),
  })
  const away = await new OvsdbClient(gone).transact([], never).catch((error: unknown) => error)
  expect(mayHaveHappened(away)).toBe(false)
  const closed = netOf({ ovsdb: gone })
  await closed.close?.()
  await expect(query(closed)).rejects.toMatchObject({ code: 'CLOSED' })
})
