// What the store throws: damage by its block, and what the disk said in words. Touches no file.
import { isOpDbusError, messageOf, OpDbusError } from '../../errors.js'
import { errnoOf, inWords } from '../../fs/errno.js'

/** `what` continues "block 12 ...", and says what is wrong. */
export function damaged(block: number, what: string, file: string): OpDbusError {
  return new OpDbusError(
    'CHAIN_DAMAGED',
    `block ${block} ${what} (${file})\nnothing is appended to a damaged chain: op-dbus blockchain verify says all that is wrong, repair keeps what is sound`,
    { details: { block, file } },
  )
}

/** Blocks from `block` on were acknowledged, and are not there, or not whole: never an append that was cut off. */
export function lost(block: number, acknowledged: number, file: string): OpDbusError {
  const missing = acknowledged - block
  return new OpDbusError(
    'CHAIN_DAMAGED',
    `${acknowledged} blocks were acknowledged, and ${missing === 1 ? `block ${block} is` : `the last ${missing}, from block ${block} on, are`} not there any more, or not whole (${file})\nnothing was changed, and nothing is appended: op-dbus blockchain verify says all that is wrong, op-dbus blockchain restore brings a snapshot back, op-dbus blockchain repair goes on with what is left`,
    { details: { block, file, acknowledged } },
  )
}

/** What is in the way is neither read nor removed. */
export function inTheWay(path: string, what: string): OpDbusError {
  return new OpDbusError('STORE', `${path} is ${what}\nnothing is read or written there: remove it and try again`, {
    details: { file: path },
  })
}

/** What was read is of no chain: its files were exchanged meanwhile. */
export function replaced(dir: string): OpDbusError {
  return new OpDbusError('STORE', `the chain in ${dir} was pruned or restored while it was read\ntry again`)
}

/** What the system said, as STORE; errors of ours and programming errors pass. `doing` continues "cannot ...". */
export function storeError(error: unknown, doing: string, uncertain = false): unknown {
  if (isOpDbusError(error)) return error
  const errno = errnoOf(error)
  if (errno === undefined) return error
  const rest = uncertain
    ? '\nwhether anything of it stays is not known: look at the end of the chain before you try again'
    : ''
  return new OpDbusError('STORE', `cannot ${doing}: ${inWords(error)}${rest}`, {
    cause: error,
    details: { errno, ...(uncertain && { uncertain }), message: messageOf(error) },
  })
}

/** Runs what touches the disk. */
export function guarded<T>(doing: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw storeError(error, doing)
  }
}
