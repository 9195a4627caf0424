// What a pull or a look-up that failed tells people: where the files go, which file says otherwise, which command mends it.

import { messageOf, OpDbusError } from '../errors.js'
import { type ModelPlace, repositoryName } from './cache.js'
import { refusal } from './refusal.js'

/** The command that leaves what was recorded behind. */
export function moveOn(id: string): string {
  return `to take what the hub has now, and record that: op-dbus models pull --update ${id}`
}

/** Nothing may be fetched, and `id` is not here, or not all of it. */
export function offlineError(id: string, place: ModelPlace): OpDbusError {
  return refusal(
    `${id} is not complete in ${place.dir}, and nothing is fetched offline (HF_HUB_OFFLINE, --offline)\n${byHand(id, place)}`,
    'offline',
    { id, folder: place.dir },
  )
}

export function unreachableError(error: OpDbusError, id: string, place: ModelPlace): OpDbusError {
  const lines = [messageOf(error).split('\n')[0], byHand(id, place), 'from a mirror: set HF_ENDPOINT']
  const details = { ...error.details, id, folder: place.dir }
  return new OpDbusError('DOWNLOAD', lines.join('\n'), { cause: error, details })
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

function byHand(id: string, { dir }: ModelPlace): string {
  return `without a network: copy ${repositoryName(id)} from another machine's cache into ${dir}, or give a folder as the model`
}
