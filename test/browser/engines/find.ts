// Firefox and WebKitGTK on this machine, installed first where that is allowed. Where one cannot be had, why: its tests are
// skipped, for not every system has these packages.
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { messageOf } from '../../../src/errors.js'
import { aptInstall, mayInstall, onPath } from '../programs.js'
import type { WebKitPrograms } from './webkit.js'

/** What a browser is started by, or why its tests are skipped, in one line. */
export type Found<T> = { readonly programs: T } | { readonly missing: string }

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

/** About 80 MB each. */
const INSTALL_SECONDS = 240

/** Never rejects. */
export async function ensureEngines(): Promise<Engines> {
  return {
    firefox: await ensure({ packages: 'firefox-esr', unless: ['firefox-esr'] }, findFirefox),
    webkit: await ensure({ packages: 'webkit2gtk-driver xvfb', unless: ['WebKitWebDriver', 'Xvfb'] }, findWebKit),
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

async function ensure<T>(
  { packages, unless }: { readonly packages: string; readonly unless: readonly string[] },
  find: () => T | undefined,
): Promise<Found<T>> {
  const there = find()
  if (there !== undefined) return { programs: there }
  if (!mayInstall()) return { missing: `not on this machine; apt install ${packages}` }
  const failed = await aptInstall({ packages, unless, seconds: INSTALL_SECONDS }).catch(messageOf)
  const programs = find()
  if (programs !== undefined) return { programs }
  // On the terminal the whole, in the name of what is skipped one line.
  if (failed !== undefined) console.error(failed)
  return { missing: failed?.split('\n')[0] ?? `not where apt-get should have put ${packages}` }
}
