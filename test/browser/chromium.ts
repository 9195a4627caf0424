// Where Chromium is on this machine. Installs Debian's where that is allowed; never skips, never asks.
import { existsSync } from 'node:fs'
import { messageOf } from '../../src/errors.js'
import { aptInstall, mayInstall, onPath } from '../programs.js'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
/** libvulkan1 is for WebGPU in Node, which uses the SwiftShader that comes with Chromium. */
const PACKAGES = 'chromium libvulkan1'
/** The download is about 100 MB. */
const INSTALL_SECONDS = 480
/** More than an installation may take: what a hook that calls {@link ensureChromium} allows itself, in ms. */
export const ENSURE_MS = (INSTALL_SECONDS + 60) * 1000

/** The path of a Chromium, installed first if it must be and may be. Rejects with what to do. */
export async function ensureChromium(): Promise<string> {
  const there = findChromium()
  if (there !== undefined) return there
  if (!mayInstall()) throw new Error(howTo('no Chromium was found'))
  const failed = await aptInstall({ packages: PACKAGES, unless: ['chromium'], seconds: INSTALL_SECONDS }).catch(
    messageOf,
  )
  const path = findChromium()
  if (path === undefined) throw new Error(howTo(`${failed ?? 'it is not where apt-get should have put it'}\n`))
  return path
}

export function findChromium(): string | undefined {
  const chosen = process.env.OP_DBUS_CHROMIUM
  if (chosen) {
    if (existsSync(chosen)) return chosen
    throw new Error(`OP_DBUS_CHROMIUM: there is no ${chosen}`)
  }
  return onPath(...NAMES) ?? (existsSync(MAC) ? MAC : undefined)
}

function howTo(what: string): string {
  return [
    `The browser tests need Chromium: ${what}`,
    'Install it with: apt install chromium    (or set OP_DBUS_CHROMIUM to the path of one, Chrome included)',
  ].join('\n')
}
