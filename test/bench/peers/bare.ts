// The least that one text can cost: tokenise and run the session, on the caller's own thread, nothing around it.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PeerModel } from './model-files.js'

export interface BarePeer {
  /** Whatever the model puts out: token vectors, or the text's. */
  run(text: string): Promise<Float32Array>
  close(): Promise<void>
}

export async function openBare({ folder, onnx }: PeerModel, threads: number): Promise<BarePeer> {
  const { Tokenizer } = await import('@huggingface/tokenizers')
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  const json = async (file: string) => JSON.parse(await readFile(join(folder, file), 'utf8'))
  const tokenizer = new Tokenizer(await json('tokenizer.json'), await json('tokenizer_config.json'))
  const session = await InferenceSession.create(join(folder, onnx), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    enableMemPattern: false,
  })
  const [output = ''] = session.outputNames

  return {
    async run(text) {
      const ids: number[] = tokenizer.encode(text).ids
      const dims = [1, ids.length]
      const feeds: Record<string, InstanceType<typeof Tensor>> = {
        input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), dims),
        attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), dims),
      }
      if (session.inputNames.includes('token_type_ids'))
        feeds.token_type_ids = new Tensor('int64', new BigInt64Array(ids.length), dims)
      const results = await session.run(feeds)
      return results[output]!.data as Float32Array
    },
    close: () => session.release(),
  }
}
