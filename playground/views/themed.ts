// The properties of views that draw in colours: a canvas has to be told when the theme changes. Types only.

import type { Theme } from '../../look/theme.js'
import type { Session } from '../session.js'

export interface Themed {
  readonly session: Session
  readonly theme: Theme
}
