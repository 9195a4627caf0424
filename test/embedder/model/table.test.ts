// The table of names: which ONNX file a dtype means, out of what repositories really list.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dtypesIn, externalDataOf, onnxFileFor } from '../../../src/embedder/model/table.js'

describe('the ONNX file of a dtype', () => {
  // What sentence-transformers/all-mpnet-base-v2 holds, and what Xenova/all-MiniLM-L6-v2 does.
  const authors = [
    '',
    '_O1',
    '_O2',
    '_O3',
    '_O4',
    '_qint8_arm64',
    '_qint8_avx512',
    '_qint8_avx512_vnni',
    '_quint8_avx2',
  ]
  const converted = ['', '_bnb4', '_fp16', '_int8', '_q4', '_q4f16', '_quantized', '_uint8']
  const paths = (endings: readonly string[], folder = 'onnx/') => endings.map(ending => `${folder}model${ending}.onnx`)

  test('by the names of exporters; 4-bit and approximating files stand for none', () => {
    expect(onnxFileFor('fp32', paths(authors))).toBe('onnx/model.onnx')
    expect(onnxFileFor('fp16', paths(authors))).toBe('onnx/model_O4.onnx')
    expect(onnxFileFor('int8', paths(authors))).toBe('onnx/model_quint8_avx2.onnx')
    expect(onnxFileFor('fp32', paths(converted))).toBe('onnx/model.onnx')
    expect(onnxFileFor('fp16', paths(converted))).toBe('onnx/model_fp16.onnx')
    expect(onnxFileFor('int8', paths(converted))).toBe('onnx/model_quantized.onnx')
    const none = [...paths(['_q4', '_q4f16', '_bnb4', '_O3']), 'openvino/model.onnx', 'onnx/decoder_model.onnx']
    expect(dtypesIn(none)).toEqual([])
  })

  test('in the folders of exporters, whatever the order of the listing', () => {
    const all = ['', 'onnx/', '0_Transformer/', '0_Transformer/onnx/'].flatMap(folder => paths(authors, folder))
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), listing => {
        expect(onnxFileFor('fp32', listing)).toBe('onnx/model.onnx')
        expect(onnxFileFor('int8', listing)).toBe('onnx/model_quint8_avx2.onnx')
      }),
    )
    expect(onnxFileFor('fp32', ['model.onnx'])).toBe('model.onnx')
  })

  test('weights beside it belong to it, and no other files', () => {
    const beside = ['onnx/model.onnx_data', 'onnx/model.onnx_data_1', 'onnx/model.onnx.data']
    const others = ['onnx/model.onnx', 'onnx/model.onnx_database', 'onnx/model_fp16.onnx_data', 'model.onnx_data']
    expect(externalDataOf('onnx/model.onnx', [...others, ...beside])).toEqual(beside)
  })
})
