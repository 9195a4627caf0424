// Sets of caches over a shared store, as different machines have them: each with an embedder that counts what it computes, and vectors that
// can be told to be right.
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { type Caches, type OpenOptions, openCaches } from '../../../src/node.js'

export const DIMS = 8

/** The one right vector of a text. */
export function vectorOf(text: string): Float32Array {
  return Float32Array.from(createHash('sha256').update(text).digest().subarray(0, DIMS), byte => byte / 256)
}

export interface Machine {
  readonly caches: Caches
  /** Texts that were computed here, in their order. */
  readonly computed: string[]
  readonly warnings: string[]
  /** Resolves with the next warning that matches, one that was told already included. */
  warned(pattern: RegExp): Promise<string>
  /** The source of a text's vector, which has to be right. */
  sourceOf(text: string, signal?: AbortSignal): Promise<string>
}

export interface MachineOptions extends OpenOptions {
  /** Before each call of the embedder is answered. */
  readonly compute?: (texts: readonly string[], signal: AbortSignal) => Promise<unknown>
}

const opened: Machine[] = []

/** Without a disk, unless there is a `dir`. */
export async function openMachine(sharedUrl: string, { compute, ...options }: MachineOptions = {}): Promise<Machine> {
  const computed: string[] = []
  const warnings: string[] = []
  let wake = () => {}
  const caches = await openCaches({
    sharedUrl,
    // Of a machine that is busy with other tests.
    sharedTimeoutMs: 10_000,
    embeddingDiskCache: options.dir !== undefined,
    embedder: {
      space: 'test@1',
      dims: DIMS,
      maxBatch: 1000,
      async embed(texts, { signal }) {
        await compute?.(texts, signal)
        computed.push(...texts)
        return Float32Array.from(texts.flatMap(text => [...vectorOf(text)]))
      },
    },
    ...options,
    onWarning(message) {
      warnings.push(message)
      wake()
    },
  })
  const machine: Machine = {
    caches,
    computed,
    warnings,
    async warned(pattern) {
      for (;;) {
        const found = warnings.find(message => pattern.test(message))
        if (found !== undefined) {
          warnings.splice(warnings.indexOf(found), 1)
          return found
        }
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    },
    async sourceOf(text, signal) {
      const { vector, source } = await caches.embeddings.getOrEmbed(text, { signal })
      expect(vector).toEqual(vectorOf(text))
      return source
    },
  }
  opened.push(machine)
  return machine
}

/** For `afterEach`. */
export async function closeMachines(): Promise<void> {
  await Promise.all(opened.splice(0).map(({ caches }) => caches.close()))
}

/** What was set has arrived, or could not: `stats` waits for writes. */
export async function written({ caches }: Machine): Promise<void> {
  await caches.embeddings.stats()
}
