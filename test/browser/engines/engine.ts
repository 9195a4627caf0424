// A browser other than Chromium, as far as tests need one: tabs that share one profile, and calls into their pages. Who
// starts it, and speaks its protocol, is firefox.ts or webkit.ts.

export interface Tab {
  /** Resolves when the page and all it names are loaded. */
  goto(url: string): Promise<void>
  reload(): Promise<void>
  /** Calls `body` in the page. Arguments and result cross as JSON. Rejects with what `body` threw. */
  evaluate<A extends readonly unknown[], T>(body: (...args: A) => T | Promise<T>, ...args: A): Promise<T>
  /** Calls an export of a module that the page can import: `call('/entry.js', 'name', ...args)`. */
  call<T = unknown>(module: string, name: string, ...args: readonly unknown[]): Promise<T>
  /** What is in sight, as PNG. */
  screenshot(): Promise<Uint8Array>
  close(): Promise<void>
}

export interface Engine {
  /** Name and version, as the browser tells them. */
  readonly name: string
  /** What its tabs' consoles were told as errors and warnings, where the protocol hands that out. Oldest first. */
  readonly complaints: string[]
  openTab(url: string): Promise<Tab>
  /** Ends every process that was started for it, and removes its profile. */
  close(): Promise<void>
}

/** One round trip of a protocol: runs an async function, given as source, with a text; its answer is a text. */
export type Run = (source: string, given: string) => Promise<string>

/** The two ways of {@link Tab} to call into a page, over a protocol that carries nothing but texts. */
export function pageCalls(run: Run): Pick<Tab, 'evaluate' | 'call'> {
  const ask = async (body: string, args: readonly unknown[]): Promise<unknown> => {
    const source = `async given => {
      try {
        return JSON.stringify({ value: await (${body})(...JSON.parse(given)) })
      } catch (error) {
        return JSON.stringify({ thrown: String(error?.stack ? error + '\\n' + error.stack : error) })
      }
    }`
    const answer = JSON.parse(await run(source, JSON.stringify(args))) as { value?: unknown; thrown?: string }
    if (answer.thrown !== undefined) throw new Error(`in the page: ${answer.thrown}`)
    return answer.value
  }
  return {
    evaluate: async <A extends readonly unknown[], T>(body: (...args: A) => T | Promise<T>, ...args: A) =>
      (await ask(body.toString(), args)) as T,
    call: async <T>(...args: readonly unknown[]) => (await ask(CALL, args)) as T,
  }
}

/** A text, because vitest rewrites an `import()` that it sees, also in what is meant for a page. */
const CALL =
  '(module, name, ...args) => import(new URL(module, document.baseURI).href).then(exports => exports[name](...args))'
