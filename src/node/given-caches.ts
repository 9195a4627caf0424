// The caches that the state or the chain works with: the caller's, or some of its own. Part of the Node roots.
import { OpDbusError } from '../errors.js'
import type { Caches } from '../public.js'
import type { OpenOptions } from './options.js'

/**
 * `release` closes what was opened here, and leaves the caller's open.
 * @throws OpDbusError INVALID_INPUT for options of caches beside caches that are open, and for what is no caches
 */
export async function cachesFor(
  given: Caches | undefined,
  options: OpenOptions,
): Promise<{ caches: Caches; release: () => Promise<void> }> {
  if (given === undefined) {
    // Loaded only now: a program that brings caches has it, and the file of the caches stays as it is for those who want no more.
    const caches = await (await import('../node.js')).openCaches(options)
    return { caches, release: () => caches.close() }
  }
  const beside = Object.keys(options)
  if (beside.length > 0) {
    throw new OpDbusError('INVALID_INPUT', `options of caches (${beside.join(', ')}) beside caches that are open`)
  }
  if (typeof given.queries?.getOrCompute !== 'function') {
    throw new OpDbusError('INVALID_INPUT', 'caches must be what openCaches answers')
  }
  return { caches: given, release: async () => {} }
}
