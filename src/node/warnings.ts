// What the caches say of their folder, said once: one full disk is one sentence, however many caches lie on it. Part of the Node root.
import { isOpDbusError, messageOf } from '../errors.js'
import type { Warn } from '../ports.js'

const FULL = 'full'
const CLOSED = 'closed'
/** What the system says when a folder has no room, and when it may not be used. Anything else is a trouble of its own. */
const TROUBLES: Readonly<Record<string, string>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EACCES: CLOSED,
  EPERM: CLOSED,
  EROFS: CLOSED,
  ERR_ACCESS_DENIED: CLOSED,
}

/** `warn` for everything that lies in the cache folder `dir`: each trouble of the folder is told once, in its own name. */
export function folderWarnings(dir: string | undefined, warn: Warn): Warn {
  const told = new Set<string>()
  return (message, cause, about = message) => {
    const errno = errnoIn(cause)
    const trouble = errno === undefined ? about : (TROUBLES[errno] ?? errno)
    if (told.has(trouble)) return
    told.add(trouble)
    const said = isOpDbusError(cause) ? cause.cause : cause
    if (errno === undefined || said === undefined) warn(message)
    else warn(`cannot use the cache folder ${dir}, going on in memory where it fails: ${messageOf(said)}`)
  }
}

/** The errno name behind an error, as a store reports it or as it was thrown. */
function errnoIn(error: unknown): string | undefined {
  const code = isOpDbusError(error) ? error.details.errno : (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
