// Whether a model can be honoured, told from its small files before its weights are fetched. Loads no runtime.

import type { ModelFolder } from '../embedder/model/folder.js'
import { readSettings } from '../embedder/model/spec.js'
import { knownModel } from '../embedder/model/table.js'
import type { RecordedFile } from './record.js'

/**
 * Reads configuration and tokenizer of `id` as an embedder would. Rejects with UNSUPPORTED_MODEL for what would be
 * refused once the weights are here. A model whose files do not say how it pools passes: who uses it may say so.
 */
export async function checkSmallFiles(
  id: string,
  files: readonly RecordedFile[],
  read: (file: RecordedFile) => Promise<string>,
): Promise<void> {
  const named = (path: string) => files.find(file => file.path === path)
  const text = async (path: string) => {
    const file = named(path)
    return file && (await read(file))
  }
  const folder: ModelFolder = {
    id,
    text,
    async digest(path) {
      const file = named(path)
      return file && { path, sha256: file.sha256, stamp: '', dynamic: false }
    },
    onnxFiles: async () => [],
  }
  const settings = await readSettings(folder, {
    maxTokens: knownModel(id)?.maxTokens,
    pooling: named('modules.json') ? undefined : 'mean',
  })
  const { tokenizerOf } = await import('../embedder/tokenizer/load-tokenizer.js')
  await tokenizerOf({ id, ...settings }, async ({ path }) => (await text(path)) ?? '')
}
