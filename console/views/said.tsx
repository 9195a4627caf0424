// What others wrote, as text that cannot steer the page: names, texts, times and hashes, bounded.
import { oneLine, plural, visible } from '../../src/format.js'
import { dateTime } from '../words.js'

interface SaidProps {
  readonly text: string
  /** Characters that are shown. */
  readonly most?: number
  readonly mono?: boolean
}

/** On one line: control and direction characters as dots, long ones cut off, and by itself where its direction is another. */
export function Said({ text, most = 120, mono = false }: SaidProps) {
  return (
    <bdi
      class={mono ? 'said mono' : 'said'}
      title={text.length > most ? oneLine(text, 1000).toWellFormed() : undefined}
    >
      {oneLine(text, most).toWellFormed()}
    </bdi>
  )
}

/** Of a long text what a page can bear. */
export const MOST_TEXT = 20_000

/** Lines stay lines. */
export function LongText({ text, label }: { readonly text: string; readonly label: string }) {
  const shown = text.slice(0, MOST_TEXT).split('\n').map(visible).join('\n').toWellFormed()
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so it has to be reached by keys */}
      <section class="long" tabIndex={0} aria-label={label}>
        <pre>{shown}</pre>
      </section>
      {text.length > MOST_TEXT && (
        <p class="quiet">{plural(text.length - MOST_TEXT, 'more character is', 'more characters are')} not shown.</p>
      )}
    </>
  )
}

/** A message of the daemon as a sentence: it begins in lower case, as in a log, and may have several lines. */
export function sentence(message: string): string {
  const plain = message.slice(0, 1000).split('\n').map(visible).join('; ').toWellFormed()
  const first = plain.charAt(0).toUpperCase() + plain.slice(1)
  return /[.!?…]$/.test(first) ? first : `${first}.`
}

/** A moment in this browser's own time; the form of machines for who asks. */
export function When({ ms }: { readonly ms: number }) {
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return <span class="number">{String(ms)}</span>
  return (
    <time class="number" dateTime={date.toISOString()} title={date.toISOString()}>
      {dateTime(ms)}
    </time>
  )
}

/** The beginning of a hash, the whole of it for who asks. */
export function Hash({ hash, digits = 12 }: { readonly hash: string; readonly digits?: number }) {
  return (
    <code class="mono" title={hash}>
      {hash.slice(0, digits)}
    </code>
  )
}
