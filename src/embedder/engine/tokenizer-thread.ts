// A thread that does nothing but tokenise, for a session that blocks its own: what it computes and how that crosses.

import { asFailure, OpDbusError } from '../../errors.js'
import { Moved, toWire, type WireError } from '../link.js'
import type { ModelFile } from '../model/folder.js'
import type { ModelSpec } from '../model/spec.js'
import { type TextLimits, type Tokenize, tokenizerOf } from '../tokenizer/load-tokenizer.js'

export type TokenizerSpec = TextLimits & Pick<ModelSpec, 'files'>

/** Many texts' tokens, end to end. Text `i` has `lengths[i]` of them; -1: it failed. */
export interface TokenChunk {
  readonly ids: Int32Array
  readonly lengths: Int32Array
  /** 1 where a text was cut. */
  readonly truncated: Uint8Array
  /** Of those that failed, in order. */
  readonly errors: readonly WireError[]
}

/** What a tokenizer thread serves. */
export interface TokenizerThread {
  /** Loads the tokenizer, once. */
  open(spec: TokenizerSpec): Promise<void>
  tokenize(texts: readonly string[]): Moved<TokenChunk> | Promise<Moved<TokenChunk>>
}

/** What the runtime lends the thread; see `WorkerHost`. */
export interface TokenizerHost {
  readText(file: ModelFile): Promise<string>
  isUnchanged(file: ModelFile): Promise<boolean>
}

export function tokenizerThread(host: TokenizerHost): TokenizerThread {
  let tokenize: Tokenize | undefined
  return {
    async open(spec) {
      const { tokenizer, tokenizerConfig } = spec.files
      const loaded = await tokenizerOf(spec, host.readText)
      // After reading: what was read is then what the space was computed from.
      for (const file of [tokenizer, tokenizerConfig])
        if (file && !(await host.isUnchanged(file)))
          throw new OpDbusError('UNSUPPORTED_MODEL', `${file.path} has changed since its space was computed`)
      tokenize = loaded
    },
    tokenize(texts) {
      if (!tokenize) throw new OpDbusError('CLOSED', 'no tokenizer is open')
      const chunk = pack(texts, tokenize)
      return new Moved(chunk, [chunk.ids.buffer, chunk.lengths.buffer, chunk.truncated.buffer])
    },
  }
}

/** Tokenises each text; one that cannot be keeps its error to itself. */
export function pack(texts: readonly string[], tokenize: Tokenize): TokenChunk {
  const lengths = new Int32Array(texts.length)
  const truncated = new Uint8Array(texts.length)
  const errors: WireError[] = []
  const all: number[] = []
  for (const [index, text] of texts.entries()) {
    try {
      const tokens = tokenize(text)
      for (const id of tokens.ids) all.push(id)
      lengths[index] = tokens.ids.length
      truncated[index] = Number(tokens.truncated)
    } catch (error) {
      lengths[index] = -1
      errors.push(toWire(asFailure(error)))
    }
  }
  return { ids: Int32Array.from(all), lengths, truncated, errors }
}
