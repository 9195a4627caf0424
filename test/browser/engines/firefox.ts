// Firefox without a screen, driven over WebDriver BiDi, which it speaks by itself. Each has a profile of its own, removed
// with it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectBidi } from './bidi.js'
import { type Engine, pageCalls, type Tab } from './engine.js'
import { profileFolder, start } from './processes.js'

export type Preferences = Readonly<Record<string, boolean | number | string>>

/** What a browser on a visitor's desk would do besides. Its own remote agent switches most of that off already. */
const PREFERENCES: Preferences = {
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
}
const START_MS = 60_000

interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly text: string | null
}

type Called =
  | { readonly type: 'success'; readonly result: { readonly value: string } }
  | { readonly type: 'exception'; readonly exceptionDetails: { readonly text: string } }

/** `path`: of the program. `preferences` are set before it starts. */
export async function launchFirefox(path: string, preferences: Preferences = {}): Promise<Engine> {
  const profile = profileFolder('firefox')
  const lines = Object.entries({ ...PREFERENCES, ...preferences }).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  )
  writeFileSync(join(profile.path, 'user.js'), lines.join(''))
  const args = ['--headless', '--no-remote', '--profile', profile.path, '--remote-debugging-port', '0', 'about:blank']
  const env = { PATH: process.env.PATH, HOME: profile.path, TMPDIR: process.env.TMPDIR, MOZ_CRASHREPORTER_DISABLE: '1' }
  const browser = start(path, args, { env })
  const end = async (graceMs?: number) => {
    await browser.end(graceMs)
    profile.remove()
  }
  try {
    const address = await browser.find(/WebDriver BiDi listening on (ws:\/\/\S+)/, START_MS)
    const complaints: string[] = []
    const bidi = await connectBidi(`${address}/session`, (method, params) => {
      const { level, text } = params as LogEntry
      if (method === 'log.entryAdded' && (level === 'warn' || level === 'error')) complaints.push(`${level}: ${text}`)
    })
    const { capabilities } = await bidi.send<{ capabilities: { browserName: string; browserVersion: string } }>(
      'session.new',
      { capabilities: {} },
    )
    await bidi.send('session.subscribe', { events: ['log.entryAdded'] })
    const openTab = async (url: string): Promise<Tab> => {
      const { context } = await bidi.send<{ context: string }>('browsingContext.create', { type: 'tab' })
      const tab: Tab = {
        ...pageCalls(async (source, given) => {
          const called = await bidi.send<Called>('script.callFunction', {
            functionDeclaration: source,
            arguments: [{ type: 'string', value: given }],
            awaitPromise: true,
            target: { context },
          })
          if (called.type === 'success') return called.result.value
          throw new Error(called.exceptionDetails.text)
        }),
        goto: async address =>
          void (await bidi.send('browsingContext.navigate', { context, url: address, wait: 'complete' })),
        reload: async () => void (await bidi.send('browsingContext.reload', { context, wait: 'complete' })),
        async screenshot() {
          const { data } = await bidi.send<{ data: string }>('browsingContext.captureScreenshot', { context })
          return Buffer.from(data, 'base64')
        },
        close: async () => void (await bidi.send('browsingContext.close', { context })),
      }
      await tab.goto(url)
      return tab
    }
    return {
      name: `${capabilities.browserName} ${capabilities.browserVersion}`,
      complaints,
      openTab,
      async close() {
        await bidi.send('browser.close', {}).catch(() => undefined)
        bidi.close()
        await end(5_000)
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}
