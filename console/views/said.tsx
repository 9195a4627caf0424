// What others wrote, as text that cannot steer the page: names, texts, times and hashes, bounded.
import { oneLine, plural, visible } from '../../src/format.js'

interface SaidProps {
  readonly text: string
  /** Characters that are shown. */
  readonly most?: number
  readonly mono?: boolean
}

/** On one line: control and direction characters as dots, long ones cut off, and by itself where its direction is another. */
export function Said({ text, most = 120, mono = false }: SaidProps) {
  return (
    <bdi class={mono ? 'said mono' : 'said'} title={text.length > most ? oneLine(text, 1000).toWellFormed() : undefined}>
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
      {/* It scrolls, so it has to be reached by keys. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <pre class="long" tabIndex={0} role="region" aria-label={label}>
        {shown}
      </pre>
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

/** In this browser's own time; the machine's form for who asks. */
export function When({ ms }: { readonly ms: number }) {
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return <span class="number">{String(ms)}</span>
  const pad = (part: number) => String(part).padStart(2, '0')
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
  return (
    <time class="number" dateTime={date.toISOString()} title={date.toISOString()}>
      {day} {time}
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
