// The part of `op-dbus demo` on the blockchain: some of its lines become blocks, one is proved, one is found.
import { openChain } from '../../blockchain.js'
import { bytes, count, duration, oneLine, plural } from '../../format.js'
import type { FlagValues } from '../flags.js'
import { settingsOf } from '../settings.js'
import type { Terminal } from '../terminal.js'

const BLOCKS = 200
/** What the lines say in other words. */
const LOOKED_FOR = 'container removed'

/** `dir` holds the demo's caches, in which the lines have their vectors, and gets the chain. */
export async function demoChain(
  values: FlagValues,
  dir: string,
  log: readonly string[],
  terminal: Terminal,
): Promise<void> {
  const lines = [...new Set(log)].slice(0, BLOCKS)
  const { signal } = terminal
  const chain = await openChain({ ...settingsOf(values, terminal), dataDir: dir })
  const say = (ms: number, text: string) => terminal.out(`  ${duration(ms).padStart(8)}  ${text}\n`)
  try {
    await terminal.out('\nThe first of these lines as a blockchain, each block with the hash of the one before:\n')
    let start = performance.now()
    const took = () => {
      const ms = performance.now() - start
      start = performance.now()
      return ms
    }
    await chain.addBatch(
      lines.map(text => ({ plugin_id: 'demo', operation: 'log', text })),
      { signal },
    )
    await say(took(), `${plural(lines.length, 'line', 'lines')} became blocks, which are on the disk now`)
    const proof = await chain.proof(42, { signal })
    const size = bytes(Buffer.byteLength(proof.text))
    await say(
      took(),
      `a signed proof that block 42 is one of them: ${plural(proof.path.length, 'hash', 'hashes')}, ${size}`,
    )
    const { ok, size: read } = await chain.verify({ full: true, signal })
    await say(took(), `${count(read)} blocks verified: ${ok ? 'they are what was written' : 'damaged'}`)
    const { found } = await chain.search(LOOKED_FOR, { k: 1, signal })
    const best = found[0]?.block
    const what = best === undefined ? 'nothing' : `block ${best.number}: ${oneLine(best.body?.text ?? '', 60)}`
    await say(took(), `"${LOOKED_FOR}" found ${what}`)
  } finally {
    await chain.close()
  }
}
