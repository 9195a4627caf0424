// WebKitGTK's MiniBrowser on a screen that nobody sees (Xvfb), driven by WebKitWebDriver. Under automation its session is
// an ephemeral one: storage lasts over reloads and is shared by tabs, and ends with the browser. Its console is handed out
// to nobody.
import { type AddressInfo, createServer } from 'node:net'
import { type Engine, pageCalls, type Tab } from './engine.js'
import { profileFolder, type Started, start } from './processes.js'
import { isReady, newSession } from './webdriver.js'

export interface WebKitPrograms {
  /** WebKitWebDriver, which knows where its MiniBrowser is. */
  readonly driver: string
  /** The X server. */
  readonly xvfb: string
}

const START_MS = 30_000
const POLL_MS = 50
/** In ms. The driver's own limit is 30 s, which a busy machine may need for a model. */
const SCRIPT_MS = 170_000

export interface WebKitOptions {
  /** Settings of WebKitGTK, such as `--enable-html5-database=false`. */
  readonly args?: readonly string[]
  /** Added to its environment: options of its JavaScript engine, as `JSC_…`. */
  readonly env?: Readonly<Record<string, string>>
}

export async function launchWebKit(programs: WebKitPrograms, options: WebKitOptions = {}): Promise<Engine> {
  const home = profileFolder('webkit')
  const { PATH, TMPDIR } = process.env
  const xvfbArgs = ['-displayfd', '1', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp']
  const screen = start(programs.xvfb, xvfbArgs, { env: { PATH } })
  let driver: Started | undefined
  const end = async () => {
    await driver?.end()
    await screen.end()
    home.remove()
  }
  try {
    const display = await screen.find(/^(\d+)$/m, START_MS)
    const env = {
      ...{ PATH, TMPDIR, DISPLAY: `:${display}`, HOME: home.path, XDG_RUNTIME_DIR: home.path },
      // No desktop is there to be asked.
      ...{ NO_AT_BRIDGE: '1', GTK_A11Y: 'none', GSETTINGS_BACKEND: 'memory', LIBGL_ALWAYS_SOFTWARE: '1' },
      ...options.env,
    }
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    driver = start(programs.driver, ['--host=127.0.0.1', `--port=${port}`], { env })
    await ready(driver, url)
    const capabilities = {
      timeouts: { script: SCRIPT_MS },
      'webkitgtk:browserOptions': { args: ['--automation', ...(options.args ?? [])] },
    }
    const session = await newSession(url, capabilities, START_MS)
    // A session looks at one window at a time.
    let before: Promise<unknown> = Promise.resolve()
    const inWindow = <T>(handle: string, work: () => Promise<T>): Promise<T> => {
      const now = before.then(async () => {
        await session.send('POST', '/window', { handle })
        return work()
      })
      before = now.catch(() => undefined)
      return now
    }
    // It stays: with the last window the browser would end, and a new one is asked for from an open one.
    const first = await session.send<string>('GET', '/window')
    const newTab = () => session.send<{ handle: string }>('POST', '/window/new', { type: 'window' })
    const openTab = async (url: string): Promise<Tab> => {
      const { handle } = await inWindow(first, newTab)
      const tab: Tab = {
        ...pageCalls((source, given) =>
          inWindow(handle, () =>
            session.send('POST', '/execute/async', {
              script: `(${source})(arguments[0]).then(arguments[1])`,
              args: [given],
            }),
          ),
        ),
        goto: address => inWindow(handle, async () => void (await session.send('POST', '/url', { url: address }))),
        reload: () => inWindow(handle, async () => void (await session.send('POST', '/refresh', {}))),
        screenshot: () =>
          inWindow(handle, async () => Buffer.from(await session.send<string>('GET', '/screenshot'), 'base64')),
        close: () => inWindow(handle, async () => void (await session.send('DELETE', '/window'))),
      }
      await tab.goto(url)
      return tab
    }
    const { browserName, browserVersion } = session.capabilities
    return {
      name: `WebKitGTK ${browserVersion} (${browserName})`,
      complaints: [],
      openTab,
      async close() {
        await session.end().catch(() => undefined)
        await end()
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** The driver prints nothing when it listens, and takes no port 0. */
async function ready(driver: Started, url: string): Promise<void> {
  const until = performance.now() + START_MS
  while (!(await isReady(url))) {
    if (driver.child.exitCode !== null) throw new Error(`${driver.child.spawnfile} ended:\n${driver.said()}`)
    if (performance.now() > until) throw new Error(`${driver.child.spawnfile} does not answer:\n${driver.said()}`)
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}

function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
