// Which screen is shown: the part of the address behind `#`, so that a reload and a link come back to it. Never holds a text or a token.
import { computed, signal } from '@preact/signals'

export const SCREENS = [
  'overview',
  'lookup',
  'entries',
  'queries',
  'state',
  'blocks',
  'search',
  'models',
  'tuning',
] as const
export type Screen = (typeof SCREENS)[number]

export interface Route {
  readonly screen: Screen
  /** What follows the screen: `#/blocks/17` has `17`. */
  readonly rest: string
}

/** An address that names no screen is the overview's. */
export function parseRoute(hash: string): Route {
  const [, first = '', ...rest] = hash.replace(/^#/, '').split('/')
  const screen = SCREENS.find(one => one === first)
  if (screen === undefined) return { screen: 'overview', rest: '' }
  try {
    return { screen, rest: decodeURIComponent(rest.join('/')) }
  } catch {
    return { screen, rest: '' }
  }
}

export function hrefOf(screen: Screen, rest = ''): string {
  return `#/${screen}${rest === '' ? '' : `/${encodeURIComponent(rest)}`}`
}

export class Router {
  readonly route = signal(parseRoute(location.hash))
  readonly screen = computed(() => this.route.value.screen)

  constructor() {
    addEventListener('hashchange', () => {
      this.route.value = parseRoute(location.hash)
    })
  }

  go(screen: Screen, rest = ''): void {
    location.hash = hrefOf(screen, rest)
  }
}
