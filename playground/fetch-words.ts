// How far files are that are being fetched, in words. Pure.
import { bytes } from '../src/format.js'
import type { Fetched } from './engine.js'

/** Once all is there, what takes its time is the model. */
export function fetchWords({ done, total }: Fetched): string {
  return done < total ? `fetching model and runtime: ${bytes(done)} of ${bytes(total)}` : 'loading the model'
}
