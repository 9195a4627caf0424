// Where `-o` writes: decides from what is there how it is written, as `cp` would. Knows no format.
import { OpDbusError } from '../errors.js'
import { errnoOf, inWords } from '../fs/errno.js'
import type { Output } from './output/destination.js'
import { openInPlace, openSpooled } from './output/in-place.js'
import { openRegular } from './output/regular.js'
import { targetOf } from './target.js'
import type { Terminal } from './terminal.js'

export interface OutputOptions {
  /** The first bytes are written again at the end. */
  readonly rewritten: boolean
}

/**
 * A regular file is replaced as a whole, and keeps its mode and owner; a device, a FIFO, a descriptor (`-`, /dev/fd/3) is written
 * in place; links are followed. A reader that goes away is no error, as with standard output.
 * All methods reject with STORE, which names `path`.
 * @throws OpDbusError STORE where nothing can be written; said before anything is computed
 */
export async function openOutput(path: string, terminal: Terminal, options: OutputOptions): Promise<Output> {
  if (path === '') throw new OpDbusError('INVALID_INPUT', '--output needs the path of a file')
  return told(
    await onOutput(path, async () => {
      const target = await targetOf(path, 1)
      if (target.kind === 'folder') throw Object.assign(new Error(), { code: 'EISDIR' })
      if (target.kind === 'file') return openRegular(target)
      return options.rewritten ? openSpooled(target, terminal) : openInPlace(target, terminal)
    }),
    path,
  )
}

/** `text` and nothing else. @throws OpDbusError STORE */
export async function writeOutput(path: string, text: string, terminal: Terminal): Promise<void> {
  const output = await openOutput(path, terminal, { rewritten: false })
  try {
    await output.append(text)
    await output.finish()
  } catch (error) {
    await output.abandon()
    throw error
  }
}

/** The same output; what it rejects with is a STORE error that says why in words. */
function told(output: Output, path: string): Output {
  return {
    append: data => onOutput(path, () => output.append(data)),
    rewrite: start => onOutput(path, () => output.rewrite(start)),
    finish: () => onOutput(path, () => output.finish()),
    abandon: () => output.abandon(),
  }
}

async function onOutput<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof OpDbusError) throw error
    throw new OpDbusError('STORE', `cannot write ${path}: ${inWords(error, { ENOENT: 'its folder is missing' })}`, {
      cause: error,
      details: { file: path, errno: errnoOf(error) },
    })
  }
}
