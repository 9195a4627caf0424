// What a pull or a look-up that failed tells people: what happened, where the files go, which file says otherwise, which command
// mends it. Runs in every runtime.
import { messageOf, OpDbusError } from '../errors.js'
import { repositoryName } from './names.js'

/** `details.why` of a DOWNLOAD error; `unreachable` covers what broke off, too. */
export type Why = 'offline' | 'unreachable' | 'refused' | 'integrity'

/** An error that no retry will mend. */
export function refusal(
  message: string,
  why: Why = 'refused',
  details: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): OpDbusError {
  return new OpDbusError('DOWNLOAD', message, { cause, details: { ...details, why } })
}

/** The command that leaves what was recorded behind. */
export function moveOn(id: string): string {
  return `to take what the hub has now, and record that: op-dbus models pull --update ${id}`
}

/** Nothing may be fetched, and `id` is not in the folder of models `dir`, or not all of it. */
export function offlineError(id: string, dir: string): OpDbusError {
  return refusal(
    `${id} is not complete in ${dir}, and nothing is fetched offline (HF_HUB_OFFLINE, --offline)\n${byHand(id, dir)}`,
    'offline',
    { id, folder: dir },
  )
}

export function unreachableError(error: OpDbusError, id: string, dir: string): OpDbusError {
  const lines = [messageOf(error).split('\n')[0], byHand(id, dir), 'from a mirror: set HF_ENDPOINT']
  return new OpDbusError('DOWNLOAD', lines.join('\n'), { cause: error, details: { ...error.details, id, folder: dir } })
}

/** The hub has it no more: `what` is a commit, or a file of one. */
export function goneError(host: string, what: string, id: string, commit: string, lockFile: string): OpDbusError {
  return refusal(`${host} has no ${what} of ${id}, which ${lockFile} records\n${moveOn(id)}`, 'refused', { id, commit })
}

/** What was pulled, and what lies there instead. */
export function alteredError(id: string, path: string, recorded: string, found: string, lockFile: string): OpDbusError {
  return refusal(
    [
      `${path} of ${id} is not the file that ${lockFile} records`,
      `recorded: SHA-256 ${recorded}, found: ${found}`,
      `to fetch what was recorded: op-dbus models pull ${id}`,
    ].join('\n'),
    'integrity',
    { id, file: path, recorded, found },
  )
}

/** The disk has less room than a download needs; both in bytes. */
export function noRoomError(id: string, dir: string, needed: number, free: number): OpDbusError {
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`
  return new OpDbusError(
    'STORE',
    [
      `${id} does not fit into ${dir}: ${megabytes(needed)} are to be fetched, ${megabytes(free)} are free`,
      `make room for ${megabytes(needed - free)} more, or set OP_DBUS_MODEL_DIR to a folder on another disk`,
    ].join('\n'),
    { details: { folder: dir, needed, free, errno: 'ENOSPC' } },
  )
}

/** What lies where the cache has to write is not of the cache. */
export function inTheWay(path: string, what: string): OpDbusError {
  return new OpDbusError('STORE', `${path} ${what}\nnothing is written through it: remove it and try again`, {
    details: { file: path },
  })
}

function byHand(id: string, dir: string): string {
  return `without a network: copy ${repositoryName(id)} from another machine's cache into ${dir}, or give a folder as the model`
}

/** A try that is to come, after one that broke off. */
export interface Retry {
  /** From 2 to `of`. */
  readonly attempt: number
  readonly of: number
  readonly inMs: number
  /** What went wrong with the last one: one line. */
  readonly reason: string
}

/** As people are told of it. */
export function retryText({ attempt, of, inMs, reason }: Retry): string {
  return `trying again (${attempt} of ${of}) in ${Math.max(1, Math.round(inMs / 1000))} s: ${reason}`
}
