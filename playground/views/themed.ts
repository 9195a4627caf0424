// The properties of views that draw in colours: a canvas has to be told when the theme changes. Types only.
import type { Session } from '../session.js'
import type { Theme } from '../theme.js'

export interface Themed {
  readonly session: Session
  readonly theme: Theme
}
