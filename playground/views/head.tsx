// Title, the promise, which device computes, and the colours.
import { DEVICE_NAMES } from '../../look/devices.js'
import type { ThemeChoice } from '../../look/theme.js'
import type { DeviceWish } from '../engine.js'
import type { Offline } from '../offline.js'
import type { Session } from '../session.js'
import type { Themed } from './themed.js'

export function Head({ session, theme, offline }: Themed & { readonly offline: Offline }) {
  const runs = session.runs.value
  return (
    <header class="head">
      <div class="title">
        <h1>op-dbus playground</h1>
        <p class="lead">Cache in front of an embedder. Everything runs in this page; no text leaves it.</p>
      </div>
      <div class="side">
        <div class="switches">
          <label>
            Device
            <select
              value={session.device.value}
              disabled={session.busy.value}
              onChange={event => void session.setDevice(event.currentTarget.value as DeviceWish)}
            >
              <option value="auto">
                {runs && session.device.value === 'auto' ? `${DEVICE_NAMES[runs]} (checked)` : 'best'}
              </option>
              <option value="webgpu">WebGPU</option>
              <option value="wasm">WASM</option>
            </select>
          </label>
          <label>
            Theme
            <select
              value={theme.choice.value}
              onChange={event => {
                theme.choice.value = event.currentTarget.value as ThemeChoice
              }}
            >
              <option value="system">system</option>
              <option value="light">light</option>
              <option value="dark">dark</option>
            </select>
          </label>
          <span class="net">{netText(session, offline)}</span>
        </div>
        <p class="quiet device-note" aria-live="polite">
          {deviceText(session)}
        </p>
      </div>
    </header>
  )
}

/** What computes, and why a better one does not. Its line is kept free, so that nothing jumps. */
function deviceText(session: Session): string {
  const running = session.stats.value?.embeddings.running
  const gpu = running?.refused?.find(({ device }) => device === 'webgpu')
  if (gpu && session.device.value === 'auto') return `No WebGPU: ${gpu.reason}. WASM computes, the same vectors.`
  return ''
}

/** Only what is true: without model and runtime the page opens offline, but embeds nothing new. */
function netText(session: Session, offline: Offline): string {
  if (!offline.online.value) return 'offline'
  if (!offline.pageKept.value) return 'online'
  return offline.engineKept.value && session.fetches.value?.embed === 0 ? 'works offline' : 'page kept'
}
