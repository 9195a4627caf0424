// What an import reads, told by what is there: a file or a stream of blocks, or the folder of another op-dbus.
import { OpDbusError } from '../../errors.js'
import type { ChainParts } from '../chain-parts.js'
import type { ImportCall, ImportReport } from '../reports.js'
import { checkBlocks, takeBlocks } from './blocks.js'
import { bytesOf, kindOf } from './files.js'
import { importFolder } from './folder.js'

/** @throws OpDbusError see `Chain.import` */
export async function importBlocks(
  { store }: Pick<ChainParts, 'store'>,
  source: string | AsyncIterable<Uint8Array>,
  call: ImportCall,
): Promise<ImportReport> {
  if (typeof source !== 'string') {
    if (typeof source?.[Symbol.asyncIterator] === 'function') return streamed(store, source, call)
    throw new OpDbusError(
      'INVALID_INPUT',
      'what is imported is the path of a file or folder, or bytes that come in pieces',
    )
  }
  if (kindOf(source) === 'folder') return importFolder(store, source, call)
  onlyBlocks(call)
  // All of it is looked at before the first block is appended.
  await checkBlocks(store, bytesOf(source), call)
  return streamed(store, bytesOf(source), call)
}

async function streamed(
  store: ChainParts['store'],
  source: AsyncIterable<Uint8Array>,
  call: ImportCall,
): Promise<ImportReport> {
  onlyBlocks(call)
  const taken = await takeBlocks(store, source, call)
  const size = store.size()
  return { format: 'blocks', ...taken, ...(taken.imported > 0 && { unconfirmed: size - 1 }), size }
}

function onlyBlocks({ format = 'blocks' }: ImportCall): void {
  if (format === 'blocks') return
  throw new OpDbusError('INVALID_INPUT', `blocks of ${format} are imported from their folder`)
}
