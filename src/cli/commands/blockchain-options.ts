// What several commands of the chain take alike.
import type { CommandOption } from '../command.js'
import { flagsOf } from '../flags.js'

/** Where the chain lies, and what is derived from it. */
export const FOLDERS = flagsOf('dataDir', 'dir')

/** What makes the vectors that are searched, and compared. */
export const MODEL = flagsOf('model', 'device')

const TIME =
  'a duration back from now (90s, 15m, 1h, 7d, 2w), or a date and time of ISO 8601, in UTC unless it says otherwise'

export const FILTER = {
  plugin: { short: 'p', value: 'NAME', help: 'Only blocks of this plugin.' },
  operation: { value: 'NAME', help: 'Only blocks of this operation.' },
  since: { value: 'TIME', help: `Only blocks that were appended from then on: ${TIME}.` },
  until: { value: 'TIME', help: 'Only blocks that were appended before then: the same.' },
} as const satisfies Record<string, CommandOption>

/** Of one document. */
export const TOLD = {
  format: {
    value: 'NAME',
    help: 'How it is told: text or json.',
    default: 'text on a terminal, else json',
    completes: ['text', 'json'],
  },
  json: { help: 'The same as --format json.' },
} as const satisfies Record<string, CommandOption>

/** Of blocks, one after the other. */
export const TOLD_IN_LINES = {
  format: { ...TOLD.format, help: 'How they are told: text, or json with an object a line.' },
  json: TOLD.json,
} as const satisfies Record<string, CommandOption>

export const HEAD = {
  value: 'FILE',
  help: 'A checkpoint that was saved before, or several in one file: the chain must continue them.',
  completes: 'file',
} as const satisfies CommandOption

export const YES = {
  short: 'y',
  help: 'Do not ask. Without a terminal nothing is changed unless this is given.',
} as const
