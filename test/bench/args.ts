// The bench's command line.
import { parseArgs } from 'node:util'

export interface BenchArgs {
  /** Groups to run, in the bench's own order; empty: all. */
  readonly only: readonly string[]
  /** Where to write the JSON, or undefined. */
  readonly json: string | undefined
  /** A model folder, or undefined for the built-in model. */
  readonly model: string | undefined
  readonly quick: boolean
  readonly help: boolean
  /** JSON files of earlier runs to print as one table in Markdown; empty: to measure. */
  readonly markdown: readonly string[]
  /** The package of another build to measure, or undefined for this one. */
  readonly library: string | undefined
  /** Not for people: a task for a process of its own, and its arguments; empty for the bench itself. */
  readonly child: readonly string[]
}

/** A command line that means nothing; the message says what and what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** @throws UsageError */
export function parseBenchArgs(args: readonly string[], ids: readonly string[]): BenchArgs {
  const values = parse(args)
  const only = (values.only ?? []).flatMap(list => list.split(',')).filter(id => id !== '')
  const unknown = only.filter(id => !ids.includes(id))
  if (unknown.length > 0) throw new UsageError(`no row is called ${unknown.join(', ')}. There are: ${ids.join(', ')}`)
  const { json, model, quick = false, help = false, markdown = [], library, child = [] } = values
  return { only, json, model, quick, help, markdown, library, child }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true },
        json: { type: 'string' },
        model: { type: 'string' },
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        markdown: { type: 'string', multiple: true },
        library: { type: 'string' },
        child: { type: 'string', multiple: true },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

export function usage(ids: readonly string[]): string {
  return `npm run bench -- [options]

Measures op-dbus against its peers, each row in one run, and says which figures hold.

  --only ID     only these rows; may be repeated, or a list with commas
  --json FILE   also write the rows and the machine to FILE
  --model DIR   a model folder for the embedding rows; default: the built-in model
  --library DIR another build of op-dbus, by its folder; what lies below its public interface is measured as it is here
  --quick       fewer rounds and smaller sizes: for a first look, not for figures to quote
  --markdown FILE   measure nothing: print the rows of such a FILE as docs/figures.md has them; may be repeated
  --help        this text

Rows: ${ids.join(', ')}

Exit code 0 even when a figure is missed (the table says so); 1 when an answer was wrong or a row broke; 2 for a bad option.
`
}
