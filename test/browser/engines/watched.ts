// Pages that note what their console is told, for browsers that hand that to nobody; and scripts that run before theirs.
import type { Tab } from './engine.js'

const PATH = '/test-before.js'

/** For `serve`: the page `html` at `/`, with {@link complaintsOf} and then each of `before` run ahead of its own scripts. */
export function watchedPage(html: string, before: readonly (() => void)[] = []): Readonly<Record<string, string>> {
  return {
    // A file, since policies of pages allow no script in their HTML.
    '/': html.replace(/(?=<link )/, `<script src="${PATH}"></script>`),
    [PATH]: [watch, ...before].map(script => `;(${script})()`).join('\n'),
  }
}

/** What went wrong since the page was loaded, oldest first: on the console, uncaught, refused by the page's policy. */
export function complaintsOf(tab: Tab): Promise<string[]> {
  return tab.evaluate(() => (globalThis as unknown as { testComplaints: string[] }).testComplaints)
}

/** Runs in the page. */
function watch(): void {
  const complaints: string[] = []
  Object.assign(globalThis, { testComplaints: complaints })
  for (const level of ['error', 'warn'] as const) {
    const real = console[level]
    console[level] = (...said: unknown[]) => {
      complaints.push(`${level}: ${said.join(' ')}`)
      real.apply(console, said)
    }
  }
  addEventListener(
    'error',
    event => {
      const { target } = event
      // What could not be loaded is told to its element alone.
      const what = event instanceof ErrorEvent ? event.message : `not loaded: ${(target as HTMLElement).outerHTML}`
      complaints.push(`error: ${what}`)
    },
    true,
  )
  addEventListener('unhandledrejection', ({ reason }) => complaints.push(`rejected: ${reason}`))
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
    complaints.push(`refused by ${effectiveDirective}: ${blockedURI}`)
  })
}
