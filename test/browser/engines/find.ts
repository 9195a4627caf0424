// Firefox and WebKitGTK on this machine, installed first where that is allowed. Where one cannot be had, why: its tests are
// skipped, for not every system has these packages.
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { ensure, type Found, onPath } from '../../programs.js'
import type { WebKitPrograms } from './webkit.js'

export interface Engines {
  /** The path of Firefox. */
  readonly firefox: Found<string>
  readonly webkit: Found<WebKitPrograms>
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Found once, before all tests. */
    engines: Engines
  }
}

/** For about 80 MB each. */
const seconds = 240

/** Never rejects. */
export async function ensureEngines(): Promise<Engines> {
  return {
    firefox: await ensure({ packages: 'firefox-esr', unless: ['firefox-esr'], seconds }, findFirefox),
    webkit: await ensure(
      { packages: 'webkit2gtk-driver xvfb', unless: ['WebKitWebDriver', 'Xvfb'], seconds },
      findWebKit,
    ),
  }
}

function findFirefox(): string | undefined {
  const path = onPath('firefox-esr', 'firefox')
  return path === undefined || isSnap(path) ? undefined : path
}

/** One in a snap sees no profile in a temporary folder. */
function isSnap(path: string): boolean {
  const real = realpathSync(path)
  return real.includes('/snap') || (statSync(real).size < 10_000 && readFileSync(real, 'utf8').includes('/snap/'))
}

function findWebKit(): WebKitPrograms | undefined {
  const [driver, xvfb] = [onPath('WebKitWebDriver'), onPath('Xvfb')]
  return driver !== undefined && xvfb !== undefined ? { driver, xvfb } : undefined
}
