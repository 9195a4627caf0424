// The clients that people have, against the daemon with the built-in model: each gets the library's own vectors, one and many, in the form
// that it asks for, and the second time nothing is computed.
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCaches } from '../../src/node.js'
import { runNode } from '../processes.js'
import { newFolder } from '../support.js'
import { clientModule, clientPackages, clientPython } from './client-packages.js'
import { startDaemon, type TestDaemon } from './daemon.js'

/** One has a line end in it, one is not ASCII, one is there twice, one is cut at the model's limit. */
const TEXTS = ['eth0 is up', 'eth0 is down', 'Größe: 5 µm ✓ 漢字', 'eth0 is up', 'disk sda1 is full '.repeat(40)]

let daemon: TestDaemon
/** What the library says by itself. */
let expected: number[][]
let computed = 0

beforeAll(async () => {
  const dir = newFolder()
  const caches = await openCaches({ dir, model: 'builtin', embeddingDiskCache: false })
  const { matrix, dims } = await caches.embeddings.embedMany(TEXTS)
  expected = TEXTS.map((_, row) => [...matrix.subarray(row * dims, (row + 1) * dims)])
  await caches.close()
  rmSync(dir, { recursive: true })
  daemon = await startDaemon({
    embedder: undefined,
    models: ['builtin'],
    aliases: { 'text-embedding-3-small': 'builtin' },
    tokenArrays: 'cl100k_base',
  })
  daemon.context.caches.on('computed', () => computed++)
})
afterAll(() => daemon.stop())

interface Client {
  one(text: string): Promise<number[]>
  many(texts: string[]): Promise<number[][]>
}

async function expectOurs({ one, many }: Client): Promise<void> {
  await daemon.context.caches.clear()
  computed = 0
  expect(await many(TEXTS)).toEqual(expected)
  // Equal texts are computed once.
  expect(computed).toBe(4)
  for (const [i, text] of TEXTS.entries()) expect(await one(text)).toEqual(expected[i])
  expect(await many([...TEXTS].reverse())).toEqual([...expected].reverse())
  expect(computed).toBe(4)
}

const base = () => ({ apiKey: 'none', baseURL: `${daemon.url}/v1` })

describe.skipIf(clientPackages === undefined)('a client in JavaScript (skipped where npm cannot install it)', () => {
  it.each(['default', 'base64', 'float'] as const)('openai, %s', async format => {
    const { OpenAI } = await clientModule('openai')
    const client = new OpenAI(base())
    const encoding = format === 'default' ? {} : { encoding_format: format }
    const rows = async (input: string | string[]): Promise<number[][]> => {
      const { data } = await client.embeddings.create({ model: 'builtin', input, ...encoding })
      if (format !== 'base64') return data.map((row: { embedding: number[] }) => row.embedding)
      return data.map((row: { embedding: string }) => {
        const bytes = Buffer.from(row.embedding, 'base64')
        return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i))
      })
    }
    await expectOurs({ one: async text => (await rows(text))[0]!, many: rows })
    expect((await client.models.list()).data.map(({ id }: { id: string }) => id)).toEqual([
      'builtin',
      'text-embedding-3-small',
    ])
    expect((await client.models.retrieve('builtin')).owned_by).toBe('op-dbus')
  })

  it('openai: errors are its own classes', async () => {
    const { OpenAI } = await clientModule('openai')
    const client = new OpenAI({ ...base(), maxRetries: 0 })
    const failed = client.embeddings.create({ model: 'text-embedding-ada-002', input: 'a' })
    await expect(failed).rejects.toMatchObject({ status: 404, code: 'model_not_found', param: 'model' })
    await expect(client.embeddings.create({ model: 'builtin', input: '' })).rejects.toMatchObject({
      status: 400,
      type: 'invalid_request_error',
    })
    await expect(client.embeddings.create({ model: 'builtin', input: 'a', dimensions: 256 })).rejects.toThrow(
      /512 numbers, not 256/,
    )
  })

  it('@langchain/openai', async () => {
    const { OpenAIEmbeddings } = await clientModule('@langchain/openai')
    const { apiKey, baseURL } = base()
    const client = new OpenAIEmbeddings({
      model: 'text-embedding-3-small',
      apiKey,
      configuration: { baseURL },
      stripNewLines: false,
    })
    await expectOurs({ one: text => client.embedQuery(text), many: texts => client.embedDocuments(texts) })
  })

  const node = Number.parseInt(process.versions.node, 10)
  for (const [sdk, provider, least] of [
    ['ai', '@ai-sdk/openai-compatible', 20],
    ['ai-7', 'ai-sdk-openai-compatible-3', 22],
  ] as const) {
    it.skipIf(node < least)(`${sdk} (from Node ${least} on)`, async () => {
      const { embed, embedMany } = await clientModule(sdk)
      const { createOpenAICompatible } = await clientModule(provider)
      const model = createOpenAICompatible({ name: 'op-dbus', ...base() }).embeddingModel('builtin')
      await expectOurs({
        one: async value => (await embed({ model, value })).embedding,
        many: async values => (await embedMany({ model, values })).embeddings,
      })
    })
  }

  it('ollama', async () => {
    const { Ollama } = await clientModule('ollama')
    const client = new Ollama({ host: daemon.url })
    await expectOurs({
      one: async input => (await client.embed({ model: 'builtin', input })).embeddings[0],
      many: async input => (await client.embed({ model: 'builtin:latest', input })).embeddings,
    })
    expect((await client.embeddings({ model: 'builtin', prompt: TEXTS[0] })).embedding).toEqual(expected[0])
    expect((await client.list()).models[0]).toMatchObject({ name: 'builtin:latest' })
    expect(await client.show({ model: 'builtin' })).toMatchObject({ capabilities: ['embedding'] })
    await expect(client.embed({ model: 'llama', input: 'a' })).rejects.toThrow(/no model of that name/)
  })
})

it('a client of text-embeddings-inference', async () => {
  const embed = async (inputs: string | string[]): Promise<number[][]> => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${daemon.url}/embed`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ inputs, truncate: true }),
    })
    return answer.json() as Promise<number[][]>
  }
  await expectOurs({ one: async text => (await embed(text))[0]!, many: embed })
})

const python = clientPython()
const lacking = 'missing' in python ? ` (skipped: ${python.missing})` : ''

describe.skipIf('missing' in python)(`clients in Python${lacking}`, () => {
  it('openai, LangChain with texts and with token arrays, LiteLLM', async () => {
    if ('missing' in python) return
    await daemon.context.caches.clear()
    computed = 0
    const script = `
import json, sys
texts, url = json.loads(sys.argv[1]), sys.argv[2]
out = {}
import openai
client = openai.OpenAI(api_key="none", base_url=url)
rows = lambda input, **more: [d.embedding for d in client.embeddings.create(model="builtin", input=input, **more).data]
out["openai"] = rows(texts)
out["openai float"] = rows(texts, encoding_format="float")
out["openai one"] = [rows(t)[0] for t in texts]
from langchain_openai import OpenAIEmbeddings
lc = OpenAIEmbeddings(model="builtin", api_key="none", base_url=url, check_embedding_ctx_length=False)
out["langchain"] = lc.embed_documents(texts)
out["langchain one"] = [lc.embed_query(t) for t in texts]
# By default it sends token arrays.
out["langchain tokens"] = OpenAIEmbeddings(
  model="builtin", api_key="none", base_url=url, tiktoken_model_name="text-embedding-3-small").embed_documents(texts)
import litellm
for name in ("openai/builtin", "hosted_vllm/builtin"):
  answer = litellm.embedding(model=name, input=texts, api_key="none", api_base=url)
  out["litellm " + name] = [d["embedding"] for d in answer.data]
print(json.dumps(out))
`
    const { code, stdout, stderr } = await runNode(['-c', script, JSON.stringify(TEXTS), `${daemon.url}/v1`], {
      program: python.python,
      env: { TIKTOKEN_CACHE_DIR: python.tokenizers, HOME: daemon.dir, LITELLM_LOCAL_MODEL_COST_MAP: 'True' },
    })
    expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
    const rows = JSON.parse(stdout.trim().split('\n').at(-1)!)
    for (const [client, vectors] of Object.entries(rows)) expect(vectors, client).toEqual(expected)
    expect(Object.keys(rows)).toHaveLength(8)
    expect(computed).toBe(4)
  }, 60_000)
})
