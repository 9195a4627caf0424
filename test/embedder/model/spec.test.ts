// A model folder is read as its authors meant it, or refused with the file that is to blame.
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isOpDbusError } from '../../../src/errors.js'
import { temporaryFolder } from '../../support.js'
import { miniLm, noMiniLm, specOf } from '../node-embedder.js'
import { DIMS, graphs, tinyFiles, writeModel } from '../tiny-model.js'

const folderWith = (changes: Record<string, unknown>) => writeModel(temporaryFolder(), { ...tinyFiles(), ...changes })
const module = (kind: string, path = '') => ({ path, type: `sentence_transformers.models.${kind}` })
const modules = (...kinds: string[]) => kinds.map(kind => module(kind, kind === 'Pooling' ? '1_Pooling' : ''))
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 90405214\n`
const page = '<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>'
const pooling = (config: object) => ({ '1_Pooling/config.json': { word_embedding_dimension: DIMS, ...config } })

describe('what a folder says', () => {
  test('a plain folder', async () => {
    const dir = folderWith({})
    const spec = await specOf(dir)
    expect(spec).toMatchObject({
      id: dir,
      dims: DIMS,
      maxTokens: 16,
      pooling: 'mean',
      normalize: false,
      prefix: '',
      padId: 0,
      dtype: 'fp32',
      rowsAlone: false,
    })
    expect(spec.files.model.path).toBe(join(dir, 'onnx/model.onnx'))
    expect(spec.files.model.sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(Object.isFrozen(spec)).toBe(true)
    expect(() => structuredClone(spec)).not.toThrow()
  })

  test.skipIf(noMiniLm)('the real MiniLM (skipped without ../shared/models)', async () => {
    const spec = await specOf(miniLm)
    expect(spec).toMatchObject({ dims: 384, maxTokens: 256, pooling: 'mean', normalize: true, rowsAlone: false })
    expect(spec.files.model.sha256).toBe('5350b2ff98537f2f465d10d03605cb645ac29322e2194ca971a6903052a0f076')
    expect(await specOf(miniLm, { dtype: 'int8' })).toMatchObject({ dtype: 'int8', rowsAlone: true })
  })

  test('modules: normalisation, class names of any version, the transformer in a folder of its own', async () => {
    expect(await specOf(folderWith({ 'modules.json': modules('Transformer', 'Pooling', 'Normalize') }))).toMatchObject({
      normalize: true,
    })
    const files = tinyFiles()
    const moved: Record<string, unknown> = {
      'modules.json': [module('Transformer', '0_Transformer'), module('Pooling', '1_Pooling')],
    }
    for (const file of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'sentence_bert_config.json'])
      moved[`0_Transformer/${file}`] = files[file]
    const dir = writeModel(temporaryFolder(), {
      ...files,
      'tokenizer.json': undefined,
      'config.json': undefined,
      ...moved,
    })
    expect((await specOf(dir)).files.tokenizer.path).toBe(join(dir, '0_Transformer/tokenizer.json'))
  })

  // As saved by versions to 5.3, 5.4 and 6 of sentence-transformers, and as a class may be named by hand.
  test.each([
    ['models.Transformer', 'models.Pooling', 'models.Normalize'],
    ['models.Transformer.Transformer', 'models.Pooling.Pooling', 'models.Normalize.Normalize'],
    [
      'base.modules.transformer.Transformer',
      'sentence_transformer.modules.pooling.Pooling',
      'sentence_transformer.modules.normalize.Normalize',
    ],
    [
      'base.modules.transformer.Transformer',
      'sentence_transformer.modules.pooling.Pooling',
      'base.modules.normalize.Normalize',
    ],
    ['sentence_transformer.modules.Transformer', 'sentence_transformer.modules.Pooling', 'base.modules.Normalize'],
  ])('classes named %s, %s, %s', async (...types) => {
    const list = types.map((type, i) => ({
      path: ['', '1_Pooling', '2_Normalize'][i],
      type: `sentence_transformers.${type}`,
    }))
    expect(await specOf(folderWith({ 'modules.json': list }))).toMatchObject({ pooling: 'mean', normalize: true })
  })

  test('pooling by flag or by name', async () => {
    expect(await specOf(folderWith(pooling({ pooling_mode_cls_token: true })))).toMatchObject({ pooling: 'cls' })
    expect(
      await specOf(
        folderWith({
          '1_Pooling/config.json': { embedding_dimension: 7, pooling_mode: 'cls' },
          'config.json': { max_position_embeddings: 64 },
        }),
      ),
    ).toMatchObject({ pooling: 'cls', dims: 7, hiddenDims: 7 })
  })

  test('token limit: the caller, then max_seq_length, then the smaller of tokenizer and network', async () => {
    expect((await specOf(folderWith({}), { maxTokens: 9 })).maxTokens).toBe(9)
    // A file that promises more than the network has positions for is mistaken.
    const mistaken = await specOf(folderWith({ 'sentence_bert_config.json': { max_seq_length: 500 } }))
    expect(mistaken).toMatchObject({ maxTokens: 64, space: expect.stringContaining('"maxTokens":64') })
    const without = { 'sentence_bert_config.json': undefined }
    expect((await specOf(folderWith(without))).maxTokens).toBe(64)
    expect(
      (await specOf(folderWith({ ...without, 'tokenizer_config.json': { model_max_length: 12 } }))).maxTokens,
    ).toBe(12)
    expect(
      (await specOf(folderWith({ ...without, 'tokenizer_config.json': { model_max_length: 1e30 } }))).maxTokens,
    ).toBe(64)
    expect(
      (await specOf(folderWith({ ...without, 'sentence_roberta_config.json': { max_seq_length: 5 } }))).maxTokens,
    ).toBe(5)
    await expect(specOf(folderWith({}), { maxTokens: 65 })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(specOf(folderWith({}), { maxTokens: 0 })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  test('architectures that count positions from the pad id have fewer of them', async () => {
    const limit = async (config: object) =>
      (
        await specOf(
          folderWith({
            'config.json': { max_position_embeddings: 64, ...config },
            'sentence_bert_config.json': undefined,
            'tokenizer_config.json': undefined,
          }),
        )
      ).maxTokens
    expect(await limit({ model_type: 'bert', pad_token_id: 0 })).toBe(64)
    for (const model_type of ['mpnet', 'roberta', 'xlm-roberta', 'camembert'])
      expect(await limit({ model_type, pad_token_id: 1 }), model_type).toBe(62)
    expect(await limit({ max_position_embeddings: undefined, n_positions: 40 })).toBe(40)
  })

  test("the pad id is the tokenizer's own, else the network's, else 0", async () => {
    const padId = async (tokenizer: object | undefined, pad_token_id?: unknown) =>
      (
        await specOf(
          folderWith({
            'config.json': { max_position_embeddings: 64, pad_token_id },
            'tokenizer_config.json': tokenizer,
          }),
        )
      ).padId
    const added_tokens_decoder = { 0: { content: '<s>' }, 1: { content: '<pad>' } }
    expect(await padId({ pad_token: '<pad>', added_tokens_decoder }, 7)).toBe(1)
    expect(await padId({ pad_token: { content: '<pad>' }, added_tokens_decoder }, 7)).toBe(1)
    expect(await padId({ pad_token: '<pad>' }, 7)).toBe(7)
    expect(await padId({ pad_token: '[PAD]', added_tokens_decoder }, 7)).toBe(7)
    expect(await padId(undefined, 1)).toBe(1)
    for (const odd of [undefined, null, -1, 0.5, '1']) expect(await padId({ added_tokens_decoder: [] }, odd)).toBe(0)
  })

  test('without tokenizer_config.json the other files say all there is to know', async () => {
    const spec = await specOf(folderWith({ 'tokenizer_config.json': undefined }))
    expect(spec).toMatchObject({ maxTokens: 16, files: { tokenizerConfig: undefined } })
  })

  test('without modules.json the caller says how to pool, and the network how wide it is', async () => {
    const bare = { 'modules.json': undefined, '1_Pooling/config.json': undefined }
    const spec = await specOf(folderWith(bare), { pooling: 'cls' })
    expect(spec).toMatchObject({ pooling: 'cls', normalize: true, dims: DIMS, hiddenDims: DIMS })
    const unstated = await specOf(folderWith(bare)).catch(e => e)
    expect(unstated).toMatchObject({ code: 'UNSUPPORTED_MODEL', details: { file: 'modules.json', missing: true } })
    expect(unstated.message.split('\n')).toHaveLength(3)
    expect(unstated.message).toMatch(/--pooling/)
    await expect(
      specOf(folderWith({ ...bare, 'config.json': { max_position_embeddings: 9 } }), { pooling: 'mean' }),
    ).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL', details: { file: 'config.json' } })
  })

  test('a folder that says how it pools is not talked out of it', async () => {
    expect(await specOf(folderWith({}), { pooling: 'mean' })).toMatchObject({ pooling: 'mean' })
    const error = await specOf(folderWith({}), { pooling: 'cls' }).catch(e => e)
    expect(error).toMatchObject({ code: 'INVALID_INPUT' })
    expect(error.message).toContain('1_Pooling/config.json')
  })

  test("the model's default prompt is its prefix, unless the caller gives one", async () => {
    const file = 'config_sentence_transformers.json'
    const dir = folderWith({ [file]: { prompts: { query: 'query: ' }, default_prompt_name: 'query' } })
    expect((await specOf(dir)).prefix).toBe('query: ')
    expect((await specOf(dir, { prefix: '' })).prefix).toBe('')
    expect((await specOf(folderWith({ [file]: { prompts: { query: 'q' }, default_prompt_name: null } }))).prefix).toBe(
      '',
    )
  })

  test('a graph that scales activations over the batch runs its texts alone', async () => {
    const marked = Buffer.concat([Buffer.alloc((1 << 20) - 5), Buffer.from('DynamicQuantizeLinear'), Buffer.alloc(9)])
    expect(await specOf(folderWith({ 'onnx/model.onnx': marked }))).toMatchObject({ rowsAlone: true })
  })
})

describe('what is refused', () => {
  const optional = ['sentence_bert_config.json', 'tokenizer_config.json']
  const files = Object.keys(tinyFiles()).filter(file => !optional.includes(file))
  test.each(files)('%s is missing', async file => {
    const error = await specOf(folderWith({ [file]: undefined })).catch(e => e)
    expect(error).toMatchObject({ code: 'UNSUPPORTED_MODEL', details: { file, missing: true } })
    expect(error.message).toContain(file)
    expect(error.message.split('\n').length).toBeLessThanOrEqual(3)
  })

  test('a vocabulary without tokenizer.json: what is there is named, and what to do', async () => {
    const error = await specOf(folderWith({ 'tokenizer.json': undefined, 'vocab.txt': '[PAD]\n[UNK]\n' })).catch(e => e)
    expect(error).toMatchObject({ code: 'UNSUPPORTED_MODEL', details: { file: 'tokenizer.json' } })
    expect(error.message).toMatch(/vocab\.txt cannot stand for it\nsave the tokenizer again/)
  })

  test.each(['modules.json', 'config.json', 'tokenizer_config.json', 'sentence_bert_config.json'])(
    '%s that is JSON of another shape',
    async file => {
      for (const odd of ['7', 'null', '"text"', file === 'modules.json' ? '{}' : '[]', '[null]', '[[]]']) {
        const error = await specOf(folderWith({ [file]: odd })).catch(e => e)
        expect(error, odd).toMatchObject({ code: 'UNSUPPORTED_MODEL', details: { file } })
      }
    },
  )

  const refused: [string, Record<string, unknown>, string, RegExp][] = [
    [
      'a Dense module',
      { 'modules.json': [...modules('Transformer', 'Pooling'), module('Dense', '2_Dense')] },
      'modules.json',
      /Dense/,
    ],
    [
      "a transformer of the model's own code",
      { 'modules.json': [{ path: '', type: 'custom_st.Transformer' }, ...modules('Pooling')] },
      'modules.json',
      /asks for custom_st\.Transformer, Pooling; supported/,
    ],
    [
      'a pooling of another kind of encoder',
      {
        'modules.json': [
          module('Transformer'),
          { path: '1_Pooling', type: 'sentence_transformers.sparse_encoder.models.SpladePooling.Pooling' },
        ],
      },
      'modules.json',
      /asks for Transformer, sentence_transformers\.sparse_encoder/,
    ],
    [
      'a Normalize that scales tokens',
      {
        'modules.json': [...modules('Transformer', 'Pooling'), module('Normalize', '2_Normalize')],
        '2_Normalize/config.json': { module_input_name: 'token_embeddings' },
      },
      '2_Normalize/config.json',
      /"token_embeddings"/,
    ],
    [
      'a network for another task',
      { 'sentence_bert_config.json': { transformer_task: 'fill-mask' } },
      'sentence_bert_config.json',
      /transformer_task "fill-mask"/,
    ],
    [
      'a network that is asked for its head',
      {
        'sentence_bert_config.json': {
          transformer_task: 'feature-extraction',
          modality_config: { text: { method: 'get_text_features', method_output_name: 'pooler_output' } },
          module_output_name: 'sentence_embedding',
        },
      },
      'sentence_bert_config.json',
      /module_output_name "sentence_embedding"/,
    ],
    [
      'a default prompt that is not among the prompts',
      { 'config_sentence_transformers.json': { prompts: { query: 'query: ' }, default_prompt_name: 'passage' } },
      'config_sentence_transformers.json',
      /default prompt "passage", which is not among its prompts \("query"\)/,
    ],
    [
      'a default prompt and no prompts',
      { 'config_sentence_transformers.json': { default_prompt_name: 'passage' } },
      'config_sentence_transformers.json',
      /\(none\)/,
    ],
    [
      'a prompt that is no text',
      { 'config_sentence_transformers.json': { prompts: { a: 7 }, default_prompt_name: 'a' } },
      'config_sentence_transformers.json',
      /no text/,
    ],
    ['a pointer for weights', { 'onnx/model.onnx': pointer }, 'onnx/model.onnx', /Git LFS pointer.*90405214 bytes/],
    ['a pointer beside the graph', { 'onnx/model.onnx_data': pointer }, 'onnx/model.onnx_data', /Git LFS pointer/],
    ['a pointer for a tokenizer', { 'tokenizer.json': pointer }, 'tokenizer.json', /Git LFS pointer/],
    ['a pointer for settings', { 'config.json': pointer }, 'config.json', /Git LFS pointer/],
    ['a page for weights', { 'onnx/model.onnx': page }, 'onnx/model.onnx', /page of a web site/],
    ['a page for a tokenizer', { 'tokenizer.json': page }, 'tokenizer.json', /page of a web site/],
    ['nothing for weights', { 'onnx/model.onnx': '' }, 'onnx/model.onnx', /is empty/],
    ['no pooling', { 'modules.json': modules('Transformer') }, 'modules.json', /supported: Transformer, Pooling/],
    [
      'modules in another order',
      { 'modules.json': modules('Transformer', 'Normalize', 'Pooling') },
      'modules.json',
      /Normalize/,
    ],
    [
      'a module outside of the folder',
      { 'modules.json': [module('Transformer'), module('Pooling', '../elsewhere')] },
      'modules.json',
      /no plain name/,
    ],
    [
      'a pooling module of another width than the network',
      { '1_Pooling/config.json': { word_embedding_dimension: 8, pooling_mode_mean_tokens: true } },
      '1_Pooling/config.json',
      /8 dims where config\.json says 4/,
    ],
    [
      'a width beyond all reason',
      { '1_Pooling/config.json': { word_embedding_dimension: 1e12, pooling_mode_mean_tokens: true } },
      '1_Pooling/config.json',
      /65536/,
    ],
    ['modules that are no list', { 'modules.json': {} }, 'modules.json', /list/],
    ['broken JSON', { 'modules.json': '{"' }, 'modules.json', /JSON/],
    ['max pooling', pooling({ pooling_mode_max_tokens: true }), '1_Pooling/config.json', /max_tokens/],
    [
      'two poolings',
      pooling({ pooling_mode_mean_tokens: true, pooling_mode_max_tokens: true }),
      '1_Pooling/config.json',
      /mean_tokens \+ max_tokens/,
    ],
    ['last-token pooling', pooling({ pooling_mode: 'lasttoken' }), '1_Pooling/config.json', /lasttoken/],
    ['no dims', { '1_Pooling/config.json': { pooling_mode_mean_tokens: true } }, '1_Pooling/config.json', /dimension/],
    ['cutting on the left', { 'tokenizer_config.json': { truncation_side: 'left' } }, 'tokenizer_config.json', /left/],
    [
      'no limit anywhere',
      { 'sentence_bert_config.json': undefined, 'tokenizer_config.json': {}, 'config.json': {} },
      'tokenizer_config.json',
      /token limit/,
    ],
    [
      'a prompt left out of pooling',
      {
        ...pooling({ pooling_mode_mean_tokens: true, include_prompt: false }),
        'config_sentence_transformers.json': { prompts: { a: 'b' }, default_prompt_name: 'a' },
      },
      '1_Pooling/config.json',
      /prompt/,
    ],
  ]
  test.each(refused)('%s', async (_what, changes, file, why) => {
    const error = await specOf(folderWith(changes)).catch(e => e)
    expect(isOpDbusError(error, 'UNSUPPORTED_MODEL')).toBe(true)
    expect(error.details.file).toBe(file)
    expect(error.message).toMatch(why)
  })

  test('a dtype that is not there: the message lists what is, and how to ask for it', async () => {
    const error = await specOf(folderWith({ 'model_O3.onnx': 'x' }), { dtype: 'int8' }).catch(e => e)
    expect(error).toMatchObject({ code: 'UNSUPPORTED_MODEL', details: { found: ['model_O3.onnx', 'onnx/model.onnx'] } })
    expect(error.message).toMatch(/model_O3\.onnx, onnx\/model\.onnx\n.*\nask for it: --dtype fp32/)
    const quantised = folderWith({ 'onnx/model.onnx': undefined, 'onnx/model_qint8_avx512.onnx': 'x' })
    await expect(specOf(quantised)).rejects.toThrow(/has no fp32 ONNX file.*\n.*\n.*--dtype int8/)
    expect(await specOf(quantised, { dtype: 'int8' })).toMatchObject({ dtype: 'int8' })
  })

  test('a link that leads nowhere, as a broken download leaves it', async () => {
    const dir = folderWith({ 'onnx/model.onnx': undefined })
    mkdirSync(join(dir, 'onnx'), { recursive: true })
    symlinkSync('../../blobs/gone', join(dir, 'onnx/model.onnx'))
    const error = await specOf(dir).catch(e => e)
    expect(error).toMatchObject({ code: 'UNSUPPORTED_MODEL', details: { file: 'onnx/model.onnx', missing: true } })
  })

  test.each([0, -1, 0.5, Number.NaN, DIMS + 1, 1e12])('%s dimensions', async dimensions => {
    const error = await specOf(folderWith({}), { dimensions }).catch(e => e)
    expect(error).toMatchObject({ code: 'INVALID_INPUT', details: { option: 'dimensions', most: DIMS } })
  })
})

describe('space', () => {
  test('the same files in another place are the same space', async () => {
    expect((await specOf(folderWith({}))).space).toBe((await specOf(folderWith({}))).space)
  })

  test('whatever can change a vector changes it', async () => {
    const spaces = [
      await specOf(folderWith({})),
      await specOf(folderWith({ 'onnx/model.onnx': graphs.withTypeIds() })),
      await specOf(folderWith({ 'onnx/model.onnx_data': 'weights beside' })),
      await specOf(
        folderWith({ 'tokenizer.json': { ...(tinyFiles()['tokenizer.json'] as object), normalizer: { type: 'NFC' } } }),
      ),
      await specOf(folderWith({ 'tokenizer_config.json': { model_max_length: 64, remove_space: true } })),
      await specOf(folderWith({ 'modules.json': modules('Transformer', 'Pooling', 'Normalize') })),
      await specOf(folderWith({ 'sentence_bert_config.json': { max_seq_length: 16, do_lower_case: true } })),
      await specOf(folderWith(pooling({ pooling_mode_cls_token: true }))),
      await specOf(folderWith({ 'onnx/model_quantized.onnx': graphs.plain() }), { dtype: 'int8' }),
      await specOf(folderWith({}), { maxTokens: 15 }),
      await specOf(folderWith({}), { prefix: 'query: ' }),
      await specOf(folderWith({}), { dimensions: 3 }),
      await specOf(folderWith({}), { dimensions: 2 }),
      await specOf(folderWith({ 'config.json': { max_position_embeddings: 64, pad_token_id: 1 } })),
      await specOf(folderWith({ 'tokenizer_config.json': undefined })),
    ].map(spec => spec.space)
    expect(new Set(spaces).size).toBe(spaces.length)
  })

  test('all dims are no cut', async () => {
    const dir = folderWith({})
    expect((await specOf(dir, { dimensions: DIMS })).space).toBe((await specOf(dir)).space)
    expect(await specOf(dir, { dimensions: DIMS })).toMatchObject({ dims: DIMS, hiddenDims: DIMS, normalize: false })
    expect(await specOf(dir, { dimensions: 3 })).toMatchObject({ dims: 3, hiddenDims: DIMS, normalize: true })
  })

  test('no two prefixes read the same, whatever they contain', async () => {
    const dir = folderWith({})
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), async (a, b) => {
        const [one, other] = [await specOf(dir, { prefix: a }), await specOf(dir, { prefix: b })]
        return (one.space === other.space) === (a === b)
      }),
      { numRuns: 30 },
    )
  })
})
