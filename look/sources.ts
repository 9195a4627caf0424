// The five sources: their order on the way of a look-up, and their letters. Pure.
import type { Source } from '../src/public.js'

export const SOURCES = ['memory', 'disk', 'shared', 'pattern', 'computed'] as const satisfies readonly Source[]

export const LETTERS: Readonly<Record<Source, string>> = {
  memory: 'M',
  disk: 'D',
  shared: 'S',
  pattern: 'P',
  computed: 'C',
}
