// The chain that remembers applies. Part of the root `op-dbus/state`; loads and opens nothing before the first apply that changed something.
import type { Chain } from '../blockchain/chain.js'
import type { ChainOptions } from '../blockchain.js'
import type { Remember } from '../state/footprints.js'

export class AppliesChain {
  readonly #options: ChainOptions
  #opening: Promise<Chain> | undefined

  constructor(options: ChainOptions) {
    this.#options = options
  }

  /** @throws OpDbusError what opening and appending throw */
  readonly remember: Remember = async (footprints, signal) => {
    const blocks = await (await this.#open()).addBatch(footprints, { signal })
    return blocks.map(({ number }) => number)
  }

  async close(): Promise<void> {
    // What could not be opened was told to whoever wanted it.
    await (await this.#opening?.catch(() => undefined))?.close()
  }

  #open(): Promise<Chain> {
    this.#opening ??= import('../blockchain.js')
      .then(({ openChain }) => openChain(this.#options))
      .catch((error: unknown) => {
        this.#opening = undefined
        throw error
      })
    return this.#opening
  }
}
