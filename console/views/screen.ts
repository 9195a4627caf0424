// What every screen is given. Types only.
import type { Theme } from '../../look/theme.js'
import type { Router } from '../router.js'
import type { Session } from '../state.js'

export interface ScreenProps {
  readonly session: Session
  /** `router.route.value.rest` is what follows the screen's name in the address. */
  readonly router: Router
  readonly theme: Theme
}
