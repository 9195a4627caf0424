// The daemon's events in words, for the list of what happened last. Pure. Events hold no text, so neither do these.
import { bytes, count, plural } from '../src/format.js'
import type { LiveEvents } from '../src/server/api.js'
import { changeWords } from './tuning-words.js'

export interface News {
  readonly id: number
  /** Unix ms, of this browser. */
  readonly at: number
  readonly kind: 'event' | 'warning'
  readonly words: string
}

/** Undefined for what is no news: stats and look-ups have pictures, what was fetched ahead has counts. */
export function wordsOf<N extends keyof LiveEvents>(name: N, data: LiveEvents[N]): string | undefined {
  const event = { name, data } as { [K in keyof LiveEvents]: { name: K; data: LiveEvents[K] } }[keyof LiveEvents]
  const elsewhere = (there: boolean) => (there ? ', by another process' : '')
  switch (event.name) {
    case 'appended':
      return `${plural(event.data.blocks, 'block', 'blocks')} appended from ${count(event.data.first)} on`
    case 'applied': {
      const outcomes = Object.entries(event.data.outcomes).map(([outcome, times]) => `${times} ${outcome}`)
      return `${event.data.plugin} applied${outcomes.length > 0 ? `: ${outcomes.join(', ')}` : ''}`
    }
    case 'invalidated':
      return `a plugin's state changed${elsewhere(event.data.elsewhere)}: its answers are asked anew`
    case 'cleared':
      return `${event.data.cache} cleared${elsewhere(event.data.elsewhere)}`
    case 'tuned':
      return `${changeWords(event.data)}: ${event.data.why}`
    case 'warmed': {
      const { cache, entries, bytes: size } = event.data
      return `${cache}: ${plural(entries, 'entry', 'entries')} of before loaded into memory, ${bytes(size)}`
    }
    case 'warning':
      return event.data.message
    case 'skipped':
      return `this page was too slow: ${plural(event.data.events, 'event', 'events')} left out`
    default:
      return undefined
  }
}
