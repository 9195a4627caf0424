// Dark or light, as the system says or as the visitor chose; and what a colour token is right now, for canvases.
import { effect, signal } from '@preact/signals'
import { parseRgb, type Rgb } from './heat.js'

export type ThemeChoice = 'system' | 'light' | 'dark'

const KEY = 'op-dbus-theme'

export class Theme {
  readonly choice = signal<ThemeChoice>('system')
  /** Grows with every change of colours: what is drawn on canvases must be drawn anew. */
  readonly changes = signal(0)
  readonly #probe = document.createElement('span')

  constructor() {
    this.#probe.hidden = true
    // Else every token would read as the system's text colour where colours are forced.
    this.#probe.style.setProperty('forced-color-adjust', 'none')
    document.body.append(this.#probe)
    const kept = read()
    if (kept === 'light' || kept === 'dark') this.choice.value = kept
    effect(() => {
      const choice = this.choice.value
      if (choice === 'system') delete document.documentElement.dataset.theme
      else document.documentElement.dataset.theme = choice
      keep(choice)
      this.changes.value = this.changes.peek() + 1
    })
    for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) {
      matchMedia(query).addEventListener('change', () => {
        this.changes.value++
      })
    }
  }

  /** A token of tokens.css as it is computed now, for example `color('--memory')`. */
  color(token: string): string {
    this.#probe.style.color = `var(${token})`
    return getComputedStyle(this.#probe).color
  }

  rgb(token: string): Rgb {
    return parseRgb(this.color(token))
  }
}

/** Storage may be forbidden; then the choice lasts as long as the page. */
function read(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}

function keep(choice: ThemeChoice): void {
  try {
    if (choice === 'system') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, choice)
  } catch {
    // As above.
  }
}
