// The plugin `systemd`: units, their active and enabled state, over D-Bus. Light: what speaks to a bus is loaded with the first question.
import type { PluginTools, StatePlugin } from '../plugin.js'

export interface SystemdOptions {
  /** `system`, `user` or a D-Bus address. Default: `system` for root, `user` for others. */
  readonly bus?: string
}

export function systemdPlugin(_tools: Pick<PluginTools, 'env'>, _options: SystemdOptions = {}): StatePlugin {
  throw new Error('being written')
}
