// The chain that remembers applies. Part of the root `op-dbus/state`; loads and opens nothing before the first apply that has something to change.
import type { Chain } from '../blockchain/chain.js'
import type { ChainOptions } from '../blockchain.js'
import type { ApplyFootprint, Memory } from '../state/footprints.js'

export class AppliesChain implements Memory {
  readonly values: boolean
  readonly #options: ChainOptions
  #opening: Promise<Chain> | undefined

  constructor(options: ChainOptions, values: boolean) {
    this.#options = options
    this.values = values
  }

  /** Walks to the end of the chain as an append does, and adds nothing. @throws OpDbusError what opening and appending throw */
  async ready(signal: AbortSignal, onWait: (who: string) => void): Promise<void> {
    await (await this.#open()).addBatch([], { signal, onWait })
  }

  /** @throws OpDbusError what opening and appending throw */
  async add(footprints: readonly ApplyFootprint[], signal: AbortSignal): Promise<readonly number[]> {
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
