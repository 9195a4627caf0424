// Small views that every screen is made of: panels, chips, the states that a part may be in. They hold no data of the daemon's.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { LETTERS } from '../../look/sources.js'
import { visible } from '../../src/format.js'
import type { Source } from '../../src/public.js'
import type { CallFailure } from '../failures.js'
import { NAMES } from '../words.js'

interface Children {
  readonly children: ComponentChildren
}

/** A titled part of a screen. `id` names its heading; `figure` stands quietly beside it, `actions` at the end of the line. */
export function Panel(
  props: Children & {
    readonly id: string
    readonly title: ComponentChildren
    readonly figure?: ComponentChildren
    readonly actions?: ComponentChildren
    readonly class?: string
  },
) {
  return (
    <section class={`panel ${props.class ?? ''}`} aria-labelledby={`${props.id}-title`}>
      <div class="panel-head">
        <h2 id={`${props.id}-title`}>
          {props.title} {props.figure !== undefined && <span class="figure">{props.figure}</span>}
        </h2>
        {props.actions !== undefined && <div class="buttons">{props.actions}</div>}
      </div>
      {props.children}
    </section>
  )
}

/** A source's letter on its colour. With `named` its name beside it, else for screen readers alone. */
export function Chip({ source, named = false }: { readonly source: Source; readonly named?: boolean }) {
  return (
    <span class="from" data-source={source}>
      <span class="chip" aria-hidden="true">
        {LETTERS[source]}
      </span>
      <span class={named ? '' : 'unseen'}>{NAMES[source]}</span>
    </span>
  )
}

/** Nothing there yet, and what to do about it. */
export function Empty({ children }: Children) {
  return <p class="empty quiet">{children}</p>
}

/** As long as nothing was answered yet. `rows` lines of space are kept for what comes. */
export function Loading({ what, rows = 3 }: { readonly what: string; readonly rows?: number }) {
  return (
    <div class="loading" role="status" style={{ minHeight: `${rows * 36}px` }}>
      <span class="quiet">loading {what} …</span>
    </div>
  )
}

/** What happened, and a button that tries again. A missing server or token is told once, by the page. */
export function Failed(props: { readonly failure: CallFailure; readonly what: string; readonly onRetry?: () => void }) {
  const { kind, message } = props.failure
  if (kind === 'stopped') return null
  const ofPage = kind === 'unreachable' || kind === 'token'
  return (
    <p class="failed bad" role={ofPage ? undefined : 'alert'}>
      {props.what}: {kind === 'unreachable' ? 'the server is unreachable' : linesOf(message)}{' '}
      {props.onRetry && (
        <button type="button" class="link" onClick={props.onRetry}>
          Try again
        </button>
      )}
    </p>
  )
}

/** A message may tell several problems, a line each, and hold what others wrote. */
function linesOf(message: string): string {
  return message.slice(0, 4000).split('\n').map(visible).join('\n').toWellFormed()
}

/** Puts a text into the clipboard; says that it did. */
export function Copy({ text, what }: { readonly text: string; readonly what: string }) {
  const said = useSignal('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      said.value = 'copied'
    } catch {
      said.value = 'select it, the browser allows no copying'
    }
  }
  return (
    <span class="copy">
      <button type="button" class="link" onClick={() => void copy()} aria-label={`Copy ${what}`}>
        Copy
      </button>
      <span class="quiet" role="status">
        {said}
      </span>
    </span>
  )
}

/** A name and what it is, in a list of such. */
export function Facts({ facts }: { readonly facts: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** A share as a bar, 0 to 1; its number stands beside it. */
export function Bar({ share }: { readonly share: number }) {
  return (
    <span class="bar" aria-hidden="true">
      <span style={{ width: `${100 * Math.max(0, Math.min(1, share))}%` }} />
    </span>
  )
}
