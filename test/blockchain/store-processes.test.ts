// The chain between real processes, over the built library: two that append, one that is killed, one that follows, one that just ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import { root } from '../processes.js'
import { memoryFolder } from '../support.js'
import { allBlocks, draft, testStore } from './store-parts.js'

const library = new URL('../../dist/blockchain.js', import.meta.url).href
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

interface Child {
  readonly process: ChildProcess
  readonly lines: Interface
  /** The next line that it says. */
  line(): Promise<string>
  end(): Promise<number | null>
}

/** A script over `chain`, and `add(what)`. */
function child(dataDir: string, body: string): Child {
  const script = `import { openChain } from ${JSON.stringify(library)}
    const chain = await openChain({ dataDir: ${JSON.stringify(dataDir)}, dir: ${JSON.stringify(join(dataDir, 'cache'))} })
    const add = what => chain.addFootprint({ plugin_id: 'net', operation: 'create', data: { what } })
    ${body}`
  const started = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', HOME: dataDir, OP_DBUS_VECTOR_LEVEL: 'none' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(started)
  const lines = createInterface({ input: started.stdout! })
  const said = lines[Symbol.asyncIterator]()
  return {
    process: started,
    lines,
    line: async () => (await said.next()).value,
    end: async () => (started.exitCode ?? (await once(started, 'exit'))[0]) as number | null,
  }
}

describe('processes', () => {
  it('append at once, and each has its blocks in order', async () => {
    const dir = memoryFolder()
    const body = (name: string) => `for (let at = 0; at < 60; at++) await add('${name} ' + at); await chain.close()`
    const both = [child(dir, body('one')), child(dir, body('two'))]
    expect(await Promise.all(both.map(one => one.end()))).toEqual([0, 0])
    const { store } = testStore(dir)
    const said = (await allBlocks(store)).map(({ body }) => (body!.data as { what: string }).what)
    expect(said).toHaveLength(120)
    for (const name of ['one', 'two']) {
      expect(said.filter(what => what.startsWith(name))).toEqual(Array.from({ length: 60 }, (_, at) => `${name} ${at}`))
    }
    await store.close()
  })

  it('that are killed in mid-append leave what they acknowledged, and hold nobody up', async () => {
    const dir = memoryFolder()
    let acknowledged = -1
    for (let round = 0; round < 3; round++) {
      const one = child(dir, `for (;;) { const [a, b] = await Promise.all([add(1), add(2)]); console.log(b.number) }`)
      for (let at = 0; at < 5 + round; at++) acknowledged = Number(await one.line())
      one.process.kill('SIGKILL')
      await one.end()
      const { store } = testStore(dir)
      const [block] = await store.append([draft('after')])
      expect(block!.number).toBeGreaterThan(acknowledged)
      expect(await allBlocks(store)).toHaveLength(block!.number + 1)
      await store.close()
    }
    expect(readdirSync(join(dir, 'blockchain')).filter(name => name.startsWith('lock'))).toEqual([])
  })

  it('follow: blocks of others, and the first one of all', async () => {
    const dir = memoryFolder()
    const follower = child(
      dir,
      `console.log('ready'); for await (const block of chain.stream({ follow: true, from: 0 })) console.log(block.number)`,
    )
    expect(await follower.line()).toBe('ready')
    const { store } = testStore(dir)
    for (let at = 0; at < 5; at++) {
      await store.append([draft(at)])
      expect(await follower.line()).toBe(String(at))
    }
    await store.close()
  })

  it('end while they hold the right to append, and leave no lock', async () => {
    const dir = memoryFolder()
    const one = child(dir, `await add(1); console.log('added')`)
    expect(await one.line()).toBe('added')
    expect(await one.end()).toBe(0)
    expect(existsSync(join(dir, 'blockchain/lock'))).toBe(false)
  })

  it('that are stopped are waited for, and go on', async () => {
    const dir = memoryFolder()
    const one = child(
      dir,
      `await add(1)
       process.stdin.once('data', async () => { await add(3); await chain.close(); process.exit(0) })
       console.log('added')
       const until = performance.now() + 5; while (performance.now() < until);`,
    )
    expect(await one.line()).toBe('added')
    one.process.kill('SIGSTOP')
    const { store } = testStore(dir)
    let waited = false
    const onWait = () => {
      waited = true
      one.process.kill('SIGCONT')
    }
    expect(await store.append([draft(2)], { onWait })).toMatchObject([{ number: 1 }])
    one.process.kill('SIGCONT')
    one.process.stdin!.write('go\n')
    expect(await one.end()).toBe(0)
    expect(waited || !existsSync(join(dir, 'blockchain/lock'))).toBe(true)
    expect(await allBlocks(store)).toHaveLength(3)
    await store.close()
  })
})
