// What is handed out: a block whose body is the one that its header says. Reading works out the header's hash alone. Opens no file.
import { OpDbusError } from '../errors.js'
import type { Block } from './block.js'
import { bodyFault } from './footprint.js'

/** The block itself. @throws OpDbusError CHAIN_DAMAGED where its body is not what was written */
export function sound<T extends Block | undefined>(block: T): T {
  const fault = block?.body && bodyFault(block.header, block.body)
  if (fault === undefined) return block
  throw new OpDbusError(
    'CHAIN_DAMAGED',
    `block ${block!.number} is damaged: ${fault}\nop-dbus blockchain verify --full tells what else is`,
    { details: { block: block!.number } },
  )
}
