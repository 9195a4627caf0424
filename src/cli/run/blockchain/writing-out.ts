// Where commands of the chain write what they were asked for. The chain's own files are in nobody's way, and never written over.
import type { Chain } from '../../../blockchain.js'
import type { Output } from '../../output/destination.js'
import { openOutput, writeOutput } from '../../output.js'
import { targetOf } from '../../target.js'
import type { Terminal } from '../../terminal.js'

/** @throws OpDbusError INVALID_INPUT for a file of the chain; STORE */
export async function openOutside(path: string, chain: Chain, terminal: Terminal): Promise<Output> {
  await refuseInside([path], chain)
  return openOutput(path, terminal, { rewritten: false })
}

/** All of the files, or none where one is refused: path and text. Undefined is standard output. @throws as {@link openOutside} */
export async function writeOutside(
  files: readonly (readonly [path: string | undefined, text: string])[],
  chain: Chain,
  terminal: Terminal,
): Promise<void> {
  await refuseInside(
    files.flatMap(([path]) => path ?? []),
    chain,
  )
  for (const [path, text] of files) {
    if (path === undefined) await terminal.out(text)
    else await writeOutput(path, text, terminal)
  }
}

async function refuseInside(paths: readonly string[], chain: Chain): Promise<void> {
  for (const path of paths) {
    // What leads nowhere is told by who opens it.
    const target = await targetOf(path, 1).catch(() => undefined)
    if (target?.kind === 'file') chain.checkOutside(target.path)
  }
}
