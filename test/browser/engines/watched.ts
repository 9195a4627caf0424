// Pages that note what their console is told, for browsers that hand that to nobody; and scripts that run before theirs.
import type { Tab } from './engine.js'

const PATH = '/test-before.js'

/** For `serve`: the page `html`, watched for {@link complaintsOf}; `before` runs ahead of its own scripts. */
export function watchedPage(html: string, before?: () => void): Readonly<Record<string, string>> {
  // A file, since policies of pages allow no script in their HTML.
  const watched = html.replace(/(?=<link )/, `<script src="${PATH}"></script>`)
  return {
    '/': watched,
    // Service workers ask for it by its name.
    '/index.html': watched,
    [PATH]: [watch, before ?? ''].map(script => script && `(${script})();\n`).join(''),
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
