// An engine for a test file: started before its tests, ended after them, with servers that end after each.
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type ServeOptions, startServer, type TestServer } from '../static-server.js'
import type { Engine, Tab } from './engine.js'

export interface EngineTest {
  /** Only inside hooks and tests. */
  readonly engine: Engine
  /** A server that stops after the test. Its origin is a fresh one: nothing is stored for it yet. */
  serve(options?: ServeOptions): Promise<TestServer>
  /** A tab that is closed after the test. */
  openTab(url: string): Promise<Tab>
}

/** Call it once in a describe block. */
export function useEngine(launch: () => Promise<Engine>): EngineTest {
  let engine: Engine | undefined
  const undo: (() => unknown)[] = []
  beforeAll(async () => {
    engine = await launch()
  })
  afterAll(() => engine?.close())
  afterEach(async () => {
    while (undo.length > 0) await undo.pop()!()
  })
  const running = (): Engine => {
    if (engine === undefined) throw new Error('the browser runs only inside hooks and tests')
    return engine
  }
  return {
    get engine() {
      return running()
    },
    async serve(options) {
      const server = await startServer(options)
      undo.push(() => server.close())
      return server
    },
    async openTab(url) {
      const tab = await running().openTab(url)
      undo.push(() => tab.close())
      return tab
    },
  }
}
