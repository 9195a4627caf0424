// Which models a run measures, with which weights, and what their vectors have to be.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DtypeChoice } from '../../src/options.js'
import { builtinModel, type Library } from '../bench/library.js'

/** One way to compute: a model's weights on a device. */
export interface Setup {
  readonly label: string
  /** What `openCaches` takes. */
  readonly model: string
  readonly dtype: DtypeChoice
  /** The graph. */
  readonly file: string
  readonly device: string
}

export interface Reference {
  readonly label: string
  readonly model: string
  readonly dtype: DtypeChoice
  readonly texts: readonly string[]
  readonly vectors: readonly Float32Array[]
  /** Smallest cosine that these weights reach on a CPU. */
  readonly least: number
}

export interface Models {
  /** As `--model` takes them. */
  readonly folders: readonly string[]
  readonly setups: readonly Omit<Setup, 'device'>[]
  readonly references: readonly Reference[]
}

export function modelsOf(library: Library, { model, reference }: { model?: string; reference?: string }): Models {
  const builtin = { label: 'built-in int8', model: 'builtin', dtype: 'int8' } as const
  const own = join(library.folder, 'dist/models/references/all-MiniLM-L6-v2.json')
  // Seen from where this is bundled to.
  const fixture = fileURLToPath(new URL('../test/fixtures/use-lite-reference.json', import.meta.url))
  const setups: Omit<Setup, 'device'>[] = []
  const references: Reference[] = [{ ...builtin, ...read(fixture), least: 0.995 }]
  if (model !== undefined) {
    const files = [
      { label: 'MiniLM fp32', dtype: 'fp32', file: join(model, 'onnx/model.onnx'), least: 0.99999 },
      { label: 'MiniLM fp16', dtype: 'fp16', file: join(model, 'onnx/model_fp16.onnx'), least: 0.999 },
    ] as const
    for (const { least, ...one } of files.filter(({ file }) => existsSync(file))) {
      setups.push({ ...one, model })
      references.push({ ...one, model, ...read(reference ?? own), least })
    }
  }
  setups.push({ ...builtin, file: join(builtinModel(library), 'onnx/model_quantized.onnx') })
  return { folders: ['builtin', ...(model === undefined ? [] : [model])], setups, references }
}

function read(file: string): Pick<Reference, 'texts' | 'vectors'> {
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: { text: string; vector: string }[] }
  return {
    texts: cases.map(one => one.text),
    vectors: cases.map(one => new Float32Array(new Uint8Array(Buffer.from(one.vector, 'base64')).buffer)),
  }
}
