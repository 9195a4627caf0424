// The option `patterns`: what may be asked for, and what it means. Knows no masker and no cache, since `op-dbus --help` reads it.

/** What texts that differ only in variable parts (numbers, addresses, ids, times) are kept under: themselves, or their template. */
export const PATTERN_MODES = ['off', 'template'] as const
export type PatternMode = (typeof PATTERN_MODES)[number]

/** How texts that differ only in variable parts are answered. */
export interface PatternOptions {
  /**
   * `template`: the text is embedded with its variable parts replaced by their kinds, in a space of its own. `off`: as it
   * is. Default `template`.
   */
  readonly mode?: PatternMode | undefined
  /** Masks of your own, tried before the built-in ones: `{ name: 'tenant', pattern: /\btn-\w+/ }`. */
  readonly masks?: readonly { readonly name: string; readonly pattern: RegExp }[] | undefined
  /** Words beside which a number stays as it is, because it is a meaning there: `['vlan']`. */
  readonly literals?: readonly string[] | undefined
}

/** `true` means `template`. */
export type PatternSetting = PatternMode | boolean | PatternOptions

export const PATTERN_EXPECTS = `one of ${PATTERN_MODES.join(', ')}, or { mode, masks, literals }`

/** The mode of earlier versions that answered with the vector of another text that was close enough, and its options. */
export const GONE_MODE = 'verified'
const GONE_FIELDS = ['epsilon', 'members', 'checkShare']
const INSTEAD = 'use "template" (one vector for all texts of a template) or "off" (exact vectors)'

/** A variable's text. */
export function parsePatterns(text: string): PatternMode | undefined {
  const lower = text.toLowerCase()
  if (['true', '1', 'yes', 'on'].includes(lower)) return 'template'
  if (['false', '0', 'no'].includes(lower)) return 'off'
  return PATTERN_MODES.find(mode => mode === lower)
}

/** What each field of an object may be. */
const FIELDS: { readonly [K in keyof PatternOptions]-?: readonly [(value: unknown) => boolean, expects: string] } = {
  mode: [isMode, `one of ${PATTERN_MODES.join(', ')}`],
  masks: [Array.isArray, 'an array of { name, pattern }'],
  literals: [Array.isArray, 'an array of words'],
}

export function isPatternSetting(value: unknown): value is PatternSetting {
  if (typeof value === 'boolean' || isMode(value)) return true
  return typeof value === 'object' && value !== null && patternFault(value) === undefined
}

/**
 * What is wrong with a setting, where more can be said than {@link PATTERN_EXPECTS}: that its mode is gone, or which field
 * of an object is wrong and what it may be.
 */
export function patternFault(value: unknown): string | undefined {
  if (typeof value === 'string')
    return value.toLowerCase() === GONE_MODE ? `"${GONE_MODE}" is gone; ${INSTEAD}` : undefined
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, given] of Object.entries(value)) {
    if (given === undefined) continue
    if (GONE_FIELDS.includes(name)) return `${name} belonged to "${GONE_MODE}", which is gone; ${INSTEAD}`
    if (!Object.hasOwn(FIELDS, name)) return `there is no "${name}"; there are: ${Object.keys(FIELDS).join(', ')}`
    const [allows, expects] = FIELDS[name as keyof PatternOptions]
    const shown = typeof given === 'string' ? JSON.stringify(given.slice(0, 40)) : String(given).slice(0, 40)
    if (!allows(given)) return (name === 'mode' && patternFault(given)) || `${name} is ${shown}, not ${expects}`
  }
  return undefined
}

/** The setting as an object, its mode filled in. */
export function patternConfig(setting: PatternSetting): PatternOptions & { readonly mode: PatternMode } {
  if (typeof setting === 'object') return { ...setting, mode: setting.mode ?? 'template' }
  return { mode: setting === true ? 'template' : setting === false ? 'off' : setting }
}

function isMode(value: unknown): value is PatternMode {
  return (PATTERN_MODES as readonly unknown[]).includes(value)
}
