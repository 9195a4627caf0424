// The setting of patterns: what it may be, and what it means. Part of config.ts; knows no masker and no cache.

/** What a hit on a text's pattern may answer. */
export const PATTERN_MODES = ['off', 'template', 'verified'] as const
export type PatternMode = (typeof PATTERN_MODES)[number]

/** How texts that differ only in variable parts (numbers, addresses, ids, times) are answered. */
export interface PatternOptions {
  /**
   * `template`: the text is embedded with its variable parts replaced by their kinds, in a space of its own.
   * `verified`: the text itself is embedded; once `members` texts of a pattern were, and agreed, and twice as many checks
   * found no fault, the vector of one of them answers for others whose variables hold nothing new. `off`: neither.
   * Default `template`.
   */
  readonly mode?: PatternMode | undefined
  /** Masks of your own, tried before the built-in ones: `{ name: 'tenant', pattern: /\btn-\w+/ }`. */
  readonly masks?: readonly { readonly name: string; readonly pattern: RegExp }[] | undefined
  /** Words beside which a number stays as it is, because it is a meaning there: `['vlan']`. */
  readonly literals?: readonly string[] | undefined
  /**
   * Verified: the bound that a served vector x is meant to keep to the exact one r: |x - r| <= epsilon x the longer of the
   * two. It is checked on members and on samples of hits, not proved for each: a statistical statement. Default 0.14.
   */
  readonly epsilon?: number | undefined
  /** Verified: how many different texts of a pattern are embedded exactly before it serves. Default 8. */
  readonly members?: number | undefined
  /**
   * Verified: the share of hits that is computed all the same and compared; a pattern's first hits more often. 0: none after
   * its trial, which is 2 x members hits whenever it saw something new. Default 1/16.
   */
  readonly checkShare?: number | undefined
}

/** `true` means `template`. */
export type PatternSetting = PatternMode | boolean | PatternOptions

/** A setting with every default filled in. */
export type PatternConfig = {
  readonly [K in Exclude<keyof PatternOptions, 'masks' | 'literals'>]-?: Exclude<PatternOptions[K], undefined>
} & Pick<PatternOptions, 'masks' | 'literals'>

/** 0.14 is a cosine of 0.99. Why 8: see AGREEMENT in `caches/patterns/book.ts`, which says what was measured. */
const DEFAULTS = { mode: 'template', epsilon: 0.14, members: 8, checkShare: 1 / 16 } as const

export const PATTERN_EXPECTS = `one of ${PATTERN_MODES.join(', ')}, or { mode, masks, literals, epsilon, members, checkShare }`

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
  epsilon: [value => isBetween(value, 0, 2), 'a number from 0 to 2'],
  members: [value => Number.isSafeInteger(value) && isBetween(value, 2, 64), 'a whole number from 2 to 64'],
  checkShare: [value => isBetween(value, 0, 1), 'a number from 0 to 1'],
}

export function isPatternSetting(value: unknown): value is PatternSetting {
  if (typeof value === 'boolean' || isMode(value)) return true
  return typeof value === 'object' && value !== null && patternFault(value) === undefined
}

/** Which field of an object is wrong, and what it may be: `epsilon is NaN, not a number from 0 to 2`. */
export function patternFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, given] of Object.entries(value)) {
    if (!Object.hasOwn(FIELDS, name)) return `there is no "${name}"; there are: ${Object.keys(FIELDS).join(', ')}`
    const [allows, expects] = FIELDS[name as keyof PatternOptions]
    const shown = typeof given === 'string' ? JSON.stringify(given.slice(0, 40)) : String(given).slice(0, 40)
    if (given !== undefined && !allows(given)) return `${name} is ${shown}, not ${expects}`
  }
  return undefined
}

export function patternConfig(setting: PatternSetting): PatternConfig {
  const options: PatternOptions =
    typeof setting === 'object'
      ? setting
      : { mode: setting === true ? 'template' : setting === false ? 'off' : setting }
  return {
    masks: options.masks,
    literals: options.literals,
    mode: options.mode ?? DEFAULTS.mode,
    epsilon: options.epsilon ?? DEFAULTS.epsilon,
    members: options.members ?? DEFAULTS.members,
    checkShare: options.checkShare ?? DEFAULTS.checkShare,
  }
}

function isMode(value: unknown): value is PatternMode {
  return (PATTERN_MODES as readonly unknown[]).includes(value)
}

function isBetween(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most
}
