// Where Chromium is on this machine. Installs Debian's where that is allowed; never skips, never asks.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

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
  if (process.getuid?.() !== 0 || !onPath('apt-get')) throw new Error(howTo('no Chromium was found'))
  const { code, output } = await install()
  const path = findChromium()
  if (path === undefined) throw new Error(howTo(`apt-get could not install it (exit ${code}):\n${output}\n`))
  return path
}

export function findChromium(): string | undefined {
  const chosen = process.env.OP_DBUS_CHROMIUM
  if (chosen) {
    if (existsSync(chosen)) return chosen
    throw new Error(`OP_DBUS_CHROMIUM: there is no ${chosen}`)
  }
  for (const name of NAMES) {
    const path = onPath(name)
    if (path !== undefined) return path
  }
  return existsSync(MAC) ? MAC : undefined
}

function onPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  return folders.map(folder => join(folder, name)).find(path => existsSync(path))
}

function howTo(what: string): string {
  return [
    `The browser tests need Chromium: ${what}`,
    'Install it with: apt install chromium    (or set OP_DBUS_CHROMIUM to the path of one, Chrome included)',
  ].join('\n')
}

/** Under a lock that the kernel lets go of when its holder ends: test files start at the same time, apt runs once. */
function install(): Promise<{ code: number | null; output: string }> {
  const script = [
    'set -e',
    'command -v chromium >/dev/null && exit 0',
    'export DEBIAN_FRONTEND=noninteractive',
    'apt-get -qq update',
    `apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=120 install ${PACKAGES}`,
  ].join('\n')
  console.error(`installing ${PACKAGES} with apt-get for the browser tests ...`)
  const command = [
    '-w',
    `${INSTALL_SECONDS}`,
    join(tmpdir(), 'op-dbus-apt.lock'),
    'timeout',
    `${INSTALL_SECONDS}`,
    'sh',
    '-c',
  ]
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [...command, script], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk: Buffer) => {
      output = (output + chunk).slice(-2000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', reject)
    child.on('close', code => resolve({ code, output }))
  })
}
