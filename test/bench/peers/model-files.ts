// Which files the contenders of the embedding rows share: the same folder, the same ONNX file.
import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { builtinModel } from '../library.js'
import { type Bench, Skipped } from '../row.js'

export interface PeerModel {
  /** As `openCaches` takes it. */
  readonly name: string
  readonly folder: string
  /** The ONNX file that op-dbus would open, from the folder. */
  readonly onnx: string
  /** The word of transformers.js for that file. */
  readonly dtype: 'fp32' | 'q8'
  /** For the table. */
  readonly label: string
}

/** @throws Skipped when there is no model */
export function peerModel({ library, model: folder }: Pick<Bench, 'library' | 'model'>): PeerModel {
  const model =
    folder === undefined
      ? {
          name: 'builtin',
          folder: builtinModel(library),
          onnx: 'onnx/model_quantized.onnx',
          dtype: 'q8' as const,
          label: 'the built-in model',
        }
      : {
          name: resolve(folder),
          folder: resolve(folder),
          onnx: 'onnx/model.onnx',
          dtype: 'fp32' as const,
          label: basename(resolve(folder)),
        }
  const file = join(model.folder, model.onnx)
  if (!existsSync(file)) throw new Skipped(`there is no ${file}`)
  return model
}

/** The folder as transformers.js wants it: where models lie, and which of them. */
export function hubStyle({ folder }: PeerModel): { root: string; id: string } {
  return { root: `${dirname(folder)}/`, id: basename(folder) }
}
