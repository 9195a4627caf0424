// How commands tell what they found, for people or for programs, and what is wrong in somebody's file. Opens nothing.
import { isOpDbusError, OpDbusError } from '../../errors.js'
import { oneLine, visibleJson } from '../../format.js'
import type { Look } from '../state-text.js'
import type { Terminal } from '../terminal.js'

export interface ToldAs {
  readonly format?: string
  readonly json?: boolean
}

/** The first two of the formats, where none is named: text for people, JSON for programs and where no terminal shows the output. */
export function formatOf<const F extends 'text' | 'json' | 'json-patch'>(
  { format: named, json }: ToldAs,
  terminal: Terminal,
  formats: readonly F[],
): F | 'text' | 'json' {
  const given = named ?? (json || !terminal.outTty ? 'json' : 'text')
  const format = formats.find(known => known === given)
  if (format === undefined) {
    throw new OpDbusError('INVALID_INPUT', `unknown format "${given}"; there are: ${formats.join(', ')}`)
  }
  if (json && format !== 'json') throw new OpDbusError('INVALID_INPUT', `--json and --format ${format} differ`)
  return format
}

export function wantsJson(values: ToldAs, terminal: Terminal): boolean {
  return formatOf(values, terminal, ['text', 'json']) === 'json'
}

/** Where a program reads the text, nothing is cut off. */
export function lookOf({ color, columns, outTty }: Terminal): Look {
  return { color, columns: outTty ? Math.min(columns, 160) : 10_000 }
}

/** Runs what reads a file of somebody's; each line of what is wrong is printed without a word before it, so that editors find the place. */
export async function told<T>(name: string, terminal: Terminal, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!isOpDbusError(error, 'INVALID_INPUT') || !error.message.startsWith(`${name}:`)) throw error
    for (const line of error.message.split('\n')) terminal.say(oneLine(line, 400))
    throw new OpDbusError('INVALID_INPUT', `${name} cannot be used: see above; nothing was touched`, {
      cause: error,
    })
  }
}

/** `18:36:02`, of here: of what a watch tells. */
export function timeOfDay(): string {
  return new Date().toTimeString().slice(0, 8)
}

/**
 * A document for programs: over several lines, and on one where more follow. A system may call things anything, and a terminal may show it.
 */
export function jsonText(value: unknown, style: 'document' | 'line' = 'document'): string {
  return `${visibleJson(JSON.stringify(value, undefined, style === 'document' ? 2 : undefined))}\n`
}
