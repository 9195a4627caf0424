// What a visitor must know: offline, storage, a newer page. One plain sentence each.
import { DEVICE_NAMES } from '../../look/devices.js'
import type { Offline } from '../offline.js'
import type { Session } from '../session.js'
import { isOfStorage, storageTrouble } from '../storage.js'

export function Notices({ session, offline }: { readonly session: Session; readonly offline: Offline }) {
  const notes: { readonly text: string; readonly action?: readonly [string, () => void] }[] = []
  if (offline.update.value) {
    notes.push({ text: 'A newer version of this page is ready.', action: ['Use it', () => offline.takeUpdate()] })
  }
  if (!offline.online.value) {
    notes.push({ text: 'You are offline. What is cached answers; what was never fetched cannot be.' })
  }
  const trouble = storageTrouble(session.stats.value)
  if (trouble) notes.push({ text: trouble.notice })
  for (const text of session.warnings.value) if (!isOfStorage(text)) notes.push({ text: sentence(text) })
  const runs = session.runs.value
  return (
    // It is there before anything is in it: what comes into it later is spoken, once.
    <div class="heard" aria-live="polite">
      <p class="unseen">{runs && `${DEVICE_NAMES[runs]} computes.`}</p>
      {notes.length > 0 && (
        <ul class="notices" aria-label="Notices">
          {notes.map(({ text, action }) => (
            <li key={text}>
              {text}
              {action && (
                <button type="button" class="link" onClick={action[1]}>
                  {action[0]}
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

/** The library's warnings begin in lower case, as in a log. */
function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(first) ? first : `${first}.`
}
