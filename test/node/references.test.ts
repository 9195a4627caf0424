// Known vectors apply to a model as it was published and to nothing that only goes by its name.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { referenceFromJson } from '../../src/embedder/devices/reference-json.js'
import type { ModelSpec } from '../../src/embedder/model/spec.js'
import { referenceFile } from '../../src/node/references.js'

const ID = 'sentence-transformers/all-MiniLM-L6-v2'
const at = (path: string) => ({ files: { model: { path, sha256: '', stamp: '' } } })
const published = {
  id: ID,
  dims: 384,
  hiddenDims: 384,
  pooling: 'mean',
  normalize: true,
  maxTokens: 256,
  prefix: '',
  dtype: 'fp32',
  ...at('/cache/models--sentence-transformers--all-MiniLM-L6-v2/snapshots/abc/onnx/model.onnx'),
} as unknown as ModelSpec

test('the model as published has a file, with vectors of its dims', () => {
  expect(referenceFile(published, '/m')).toBe('/m/references/all-MiniLM-L6-v2.json')
  const source = new URL('../../build/references/all-MiniLM-L6-v2.json', import.meta.url)
  const reference = referenceFromJson(JSON.parse(readFileSync(fileURLToPath(source), 'utf8')), 384)
  expect(reference).toMatchObject({ source: expect.stringContaining('sentence-transformers') })
  expect(reference!.texts).toHaveLength(4)
  for (let row = 0; row < 4; row++)
    expect(Math.hypot(...reference!.matrix.subarray(384 * row, 384 * (row + 1)))).toBeCloseTo(1, 5)
})

test.each<Partial<ModelSpec>>([
  { id: '/home/me/all-MiniLM-L6-v2' },
  { id: 'sentence-transformers/all-MiniLM-L12-v2' },
  at('/models/sentence-transformers/all-MiniLM-L6-v2/onnx/model.onnx') as Partial<ModelSpec>,
  { dtype: 'int8' },
  { dtype: 'fp16' },
  { dims: 128 },
  { pooling: 'cls' },
  { normalize: false },
  { maxTokens: 128 },
  { prefix: 'query: ' },
])('used as %j it has none', change => {
  expect(referenceFile({ ...published, ...change }, '/m')).toBeUndefined()
})

test('the built-in model brings its own', () => {
  expect(referenceFile({ ...published, id: 'builtin' }, '/m')).toBe('/m/builtin/op-dbus-reference.json')
})
