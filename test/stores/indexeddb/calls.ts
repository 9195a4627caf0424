// The functions of page.ts, as a test in Node calls them.
import type { TestPage } from '../../browser/harness.js'
import type * as page from './page.js'

type Exports = typeof page
/** What the test sees of a function in the page: everything takes its time. */
export type Calls = {
  [N in keyof Exports]: (...args: Parameters<Exports[N]>) => Promise<Awaited<ReturnType<Exports[N]>>>
}

export type Tab = Calls & { readonly tab: TestPage }

/** `callsOf(tab).set('db', [1])` runs `set('db', [1])` of page.ts in that tab. */
export function callsOf(tab: TestPage): Tab {
  return new Proxy({ tab } as Tab, {
    get: (own, name: string) => {
      // Not a promise, whoever asks.
      if (name === 'tab' || name === 'then') return Reflect.get(own, name)
      return (...args: unknown[]) => tab.call('/store.js', name, ...args)
    },
  })
}

export function range(length: number): number[] {
  return Array.from({ length }, (_, n) => n)
}
