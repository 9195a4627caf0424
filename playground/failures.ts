// What went wrong, for a visitor: what happened and what to try. The library's own words stay at hand. Pure.
import { isOpDbusError, messageOf } from '../src/errors.js'

export interface Failure {
  /** What happened, and what to try: two plain sentences. */
  readonly said: string
  /** For who wants to mend it. */
  readonly detail: string
}

const OFFLINE =
  'You are offline, and what embedding needs is not in this browser yet. Connect, then press Embed: it is fetched once.'
const UNREACHABLE =
  'The server that this page came from cannot be reached. Check the connection, or start the server again; then try again.'
const NOT_FETCHED =
  'A file that embedding needs could not be fetched. Check the connection, then try again; reload the page if it stays so.'

export const NOT_EMPTIED =
  "This page has forgotten everything, but the browser's storage could not be emptied: what lies there is found again. Reload the page, then press Forget all once more."

export function failureOf(error: unknown, online: boolean): Failure {
  return { said: wordsFor(error, online), detail: messageOf(error) }
}

function wordsFor(error: unknown, online: boolean): string {
  if (notLoaded(error)) return online ? UNREACHABLE : OFFLINE
  if (!isOpDbusError(error)) return 'Something went wrong that this page does not know. Reload it and try again.'
  switch (error.code) {
    case 'DOWNLOAD':
      return download(error.details.why, online)
    case 'DEVICE_UNAVAILABLE':
      if (wantsFile(error)) return online ? NOT_FETCHED : OFFLINE
      return 'No device that was asked for can run the model here. Choose "best" above; if it is chosen, try another browser.'
    case 'WORKER_LOST':
      return 'The browser ended the thread that computes, perhaps for want of memory. Try again, with fewer lines.'
    case 'OVERLOADED':
      return 'More was asked for than is computed at a time. Wait a moment, then try again.'
    default:
      return 'This did not work. Try again; reload the page if it stays so.'
  }
}

function download(why: unknown, online: boolean): string {
  if (why === 'unreachable') return online ? UNREACHABLE : OFFLINE
  if (why === 'refused') {
    return 'The server does not hand out a file that embedding needs. Try again later; reload the page if it stays so.'
  }
  return 'A file that embedding needs arrived changed or cut short. Reload the page and try again.'
}

/** A device that lacks its runtime is as good as none; what is wrong is the file. */
function wantsFile({ message }: Error): boolean {
  return message.includes('cannot fetch ')
}

/** The browser's own word for code that could not be fetched. */
function notLoaded(error: unknown): boolean {
  return (
    error instanceof TypeError && /dynamically imported module|importing a module|module script/i.test(error.message)
  )
}
