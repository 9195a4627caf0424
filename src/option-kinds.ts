// What may be an option of the table in options.ts: its kinds, each with what it takes and what is said of anything else, and who takes it.
// Imports nothing that a page would have to load.
import {
  isPatternSetting,
  PATTERN_EXPECTS,
  PATTERN_MODES,
  type PatternSetting,
  parsePatterns,
  patternFault,
} from './patterns/setting.js'
import { parseSharedUrl, SHARED_URL_FORMS } from './shared-url.js'

/** What takes options: `openCaches`, `openState` and `openChain`. The last two hand on what is for the caches. */
export type OptionTaker = 'caches' | 'state' | 'chain'

/** What an option is about: the sections of docs/settings.md, and what a command of the CLI takes together. And who takes it. */
export const OPTION_GROUPS = {
  cache: ['caches'],
  tuning: ['caches'],
  model: ['caches'],
  patterns: ['caches'],
  device: ['caches'],
  data: ['state', 'chain'],
  state: ['state'],
  chain: ['chain'],
} as const satisfies Readonly<Record<string, readonly OptionTaker[]>>
export type OptionGroup = keyof typeof OPTION_GROUPS

/** Whether one of these takes an option. */
export function takes(taker: OptionTaker, { group }: { readonly group: OptionGroup }): boolean {
  return (OPTION_GROUPS[group] as readonly OptionTaker[]).includes(taker)
}

/** How the CLI takes an option: as `--the-name`, with a value unless the option is true or false. */
export interface FlagOption {
  /** One letter: `-m`. */
  readonly short?: string
  /** What stands for the value in the help. */
  readonly value?: string
  /** What completion offers where the option has no choices. */
  readonly completes?: 'folder' | readonly string[]
  /** Where it may stand without a value: what it means then, and which next words are its value all the same. */
  readonly alone?: { readonly means: string; readonly unless: readonly string[] }
}

/** What may be a value, whoever gives it. */
interface Kind<T> {
  /** As TypeScript writes it. */
  readonly type: string
  /** The module that a type with a name comes from. */
  readonly typeFrom?: string
  /** A text of the environment or of a command line; undefined when it means nothing. */
  readonly parse: (text: string) => T | undefined
  readonly allows: (value: unknown) => boolean
  /** Ends "X is not ...". */
  readonly expects: string
  /** What is wrong inside of an option that is an object; undefined where `expects` says it all. */
  readonly faultOf?: (value: unknown) => string | undefined
  readonly choices?: readonly string[]
}

/** What an entry says beside its kind. */
interface Entry<T> {
  readonly group: OptionGroup
  /** The variable of the environment. Without one the option is for programs only. */
  readonly variable?: string
  /** Read where `variable` says nothing: another list of words for the same option. */
  readonly otherVariable?: { readonly name: string; readonly words: Readonly<Record<string, T>> }
  /** What holds where the variable says what means nothing, if that is not the default: where a mistake would tell too much. */
  readonly mistaken?: T
  /** In words, what holds where nothing is said and there is no default that is a value. */
  readonly unsaid?: string
  readonly flag?: FlagOption
  /** The only runtime that has it. */
  readonly only?: 'node' | 'page'
}

/** One option. `D` is undefined where there is no default that is a value. */
export interface Option<T, D extends T | undefined = T | undefined> extends Kind<T>, Entry<T> {
  readonly default: D
}

type WithDefault<T, D extends T | undefined> = Entry<T> & { readonly default?: D }

function option<T, D extends T | undefined>(kind: Kind<T>, entry: WithDefault<T, D>): Option<T, D> {
  return { ...kind, ...entry, default: entry.default as D }
}

export function wholeNumber<D extends number | undefined = undefined>(least: number, entry: WithDefault<number, D>) {
  const kind: Kind<number> = {
    type: 'number',
    parse: text => (/^\d+$/.test(text) && Number(text) >= least ? safe(Number(text)) : undefined),
    allows: value => Number.isSafeInteger(value) && (value as number) >= least,
    expects: `a whole number from ${least}`,
  }
  return option(kind, entry)
}

export function seconds<D extends number | undefined = undefined>(entry: WithDefault<number, D>) {
  const kind: Kind<number> = {
    type: 'number',
    parse: text => (/^\d+(\.\d+)?$/.test(text) ? safe(Number(text)) : undefined),
    allows: value => typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER,
    expects: 'seconds, 0 or more',
  }
  return option(kind, entry)
}

export function trueOrFalse<D extends boolean | undefined = undefined>(entry: WithDefault<boolean, D>) {
  const kind: Kind<boolean> = {
    type: 'boolean',
    parse: text => BOOLEANS.get(text.toLowerCase()),
    allows: value => typeof value === 'boolean',
    expects: 'true or false',
  }
  return option(kind, entry)
}

export function words<D extends string | undefined = undefined>(entry: WithDefault<string, D>) {
  const kind: Kind<string> = {
    type: 'string',
    parse: text => (text.includes('\0') ? undefined : text),
    allows: value => typeof value === 'string' && value !== '' && !value.includes('\0'),
    expects: 'a non-empty text',
  }
  return option(kind, entry)
}

/** Where a shared store is. What is said of a wrong one does not repeat it: it may hold a password. */
export function sharedAddress(entry: WithDefault<string, string | undefined>) {
  const faultOf = (url: unknown): string | undefined => {
    const parsed = parseSharedUrl(url)
    return 'fault' in parsed ? parsed.fault : undefined
  }
  const allows = (url: unknown): url is string => faultOf(url) === undefined
  const kind: Kind<string> = {
    type: 'string',
    parse: text => (allows(text) ? text : undefined),
    allows,
    faultOf,
    expects: `an address: ${SHARED_URL_FORMS}`,
  }
  return option(kind, entry)
}

/**
 * Names of a log in signed notes, which may hold neither white space nor a plus sign.
 * @see https://github.com/C2SP/C2SP/blob/main/signed-note.md
 */
export function nameOfLog<D extends string | undefined = undefined>(entry: WithDefault<string, D>) {
  const allows = (value: unknown): value is string =>
    typeof value === 'string' && /^[^\s+\p{C}]{1,200}$/u.test(value) && value.isWellFormed()
  const kind: Kind<string> = {
    type: 'string',
    parse: text => (allows(text) ? text : undefined),
    allows,
    expects:
      'a name of at most 200 characters without spaces and plus signs (best like an address: example.com/changes)',
  }
  return option(kind, entry)
}

/** `aliases`: further words for a choice, in the environment and on the command line. */
export function oneOf<C extends string, D extends C | undefined = undefined>(
  choices: readonly C[],
  entry: WithDefault<C, D>,
  aliases: readonly (readonly [string, C])[] = [],
) {
  const known = new Map<string, C>([...choices.map(choice => [choice, choice] as const), ...aliases])
  const kind: Kind<C> = {
    type: choices.map(choice => `'${choice}'`).join(' | '),
    parse: text => known.get(text.toLowerCase()),
    allows: value => (choices as readonly unknown[]).includes(value),
    expects: `one of ${choices.join(', ')}`,
    choices,
  }
  return option(kind, entry)
}

/** What of an apply goes into the chain: with `names`, what changed, and no value. */
export const REMEMBERED = ['on', 'names', 'off'] as const
/** `true` means `on`, `false` means `off`. */
export type Remembered = (typeof REMEMBERED)[number] | boolean

export function remembered<D extends Remembered | undefined = undefined>(entry: WithDefault<Remembered, D>) {
  const kind: Kind<Remembered> = {
    type: "boolean | 'on' | 'names' | 'off'",
    parse: text => REMEMBERED.find(word => word === text.toLowerCase()) ?? BOOLEANS.get(text.toLowerCase()),
    allows: value => typeof value === 'boolean' || (REMEMBERED as readonly unknown[]).includes(value),
    expects: `one of ${REMEMBERED.join(', ')}`,
    choices: REMEMBERED,
  }
  return option(kind, entry)
}

export function listOfWords(entry: WithDefault<readonly string[], readonly string[] | undefined>) {
  const allows = (value: unknown): value is readonly string[] =>
    Array.isArray(value) && value.every(one => typeof one === 'string' && one.trim() !== '' && !one.includes('\0'))
  const kind: Kind<readonly string[]> = {
    type: 'readonly string[]',
    parse: text => {
      const found = text.split(',').map(one => one.trim())
      return allows(found) ? found : undefined
    },
    allows,
    expects: 'a list of non-empty texts (with commas between them, in a variable)',
  }
  return option(kind, entry)
}

const BOOLEANS = new Map([
  ...['true', '1', 'yes', 'on'].map(text => [text, true] as const),
  ...['false', '0', 'no', 'off'].map(text => [text, false] as const),
])

export function patterns<D extends PatternSetting | undefined = undefined>(entry: WithDefault<PatternSetting, D>) {
  const kind: Kind<PatternSetting> = {
    type: 'PatternSetting',
    typeFrom: './patterns/setting.js',
    parse: parsePatterns,
    allows: isPatternSetting,
    faultOf: patternFault,
    expects: PATTERN_EXPECTS,
    choices: PATTERN_MODES,
  }
  return option(kind, entry)
}

function safe(value: number): number | undefined {
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined
}
