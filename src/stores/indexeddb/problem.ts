// What keeps an IndexedDB store from storing: an error for its callers, a sentence for the visitors of a page. Asks no browser.
import { messageOf, OpDbusError } from '../../errors.js'
import type { StorageProblemKind } from '../../ports.js'

const UNTIL_CLOSED = 'vectors are kept only until this page is closed'

/** One plain sentence each. */
const SENTENCES: Readonly<Record<StorageProblemKind, string>> = {
  missing: `This browser offers this page no storage, as in some private windows: ${UNTIL_CLOSED}.`,
  denied: `The browser's settings forbid this page to store anything: ${UNTIL_CLOSED}.`,
  silent: `The browser's storage does not answer: for now, ${UNTIL_CLOSED}.`,
  full: `The browser gives this site no more storage: new ${UNTIL_CLOSED}.`,
  closed: `The browser has closed its storage for this page: for now, ${UNTIL_CLOSED}.`,
  newer: `Another tab runs a newer version of this page: ${UNTIL_CLOSED}, so reload it.`,
  foreign: `The storage of this name belongs to something else on this site: ${UNTIL_CLOSED}.`,
  failed: `The browser's storage fails: for now, ${UNTIL_CLOSED}.`,
}

/** What the browser's own errors mean, by their names; InvalidStateError is how a private window of Firefox refuses. */
const KINDS: Readonly<Record<string, StorageProblemKind>> = {
  SecurityError: 'denied',
  NotAllowedError: 'denied',
  InvalidStateError: 'denied',
  QuotaExceededError: 'full',
}

export interface StorageProblem {
  readonly kind: StorageProblemKind
  /** One sentence for the visitors of a page. */
  readonly sentence: string
}

/** STORE, with `details.kind`: a kind that `error` brings along in its details, or the one that its name stands for. */
export function storeError(where: string, database: string, error: unknown, kind = kindOf(error)): OpDbusError {
  // Some of the browser's errors have a name and no words.
  const why = error ? messageOf(error) || nameOf(error) : 'the browser gives no reason'
  return new OpDbusError('STORE', `${where}: IndexedDB database "${database}": ${why}`, {
    cause: error,
    details: { database, kind },
  })
}

export function problemOf({ details }: OpDbusError): StorageProblem {
  const kind = details.kind as StorageProblemKind
  return { kind, sentence: SENTENCES[kind] }
}

/** Empty for what has no name; browsers fail with null, too. */
export function nameOf(error: unknown): string {
  return (error as Error | null | undefined)?.name ?? ''
}

function kindOf(error: unknown): StorageProblemKind {
  return KINDS[nameOf(error)] ?? 'failed'
}
