// The vectors of blocks: made in the background, kept beside the chain. To be written by its owner.

export class ChainVectors {
  async close(): Promise<void> {}
}
