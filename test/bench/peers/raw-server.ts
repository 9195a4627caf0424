// The least that could answer `POST /v1/embeddings` from memory: node:http, a Map, and the serialiser of the daemon. Checks nothing.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { VECTOR_TEXT } from '../../../src/server/vector-text.js'

/** Its address; `vectorOf` says what a text is answered with. */
export async function rawServer(vectorOf: (text: string) => Float32Array): Promise<{ url: string; close(): void }> {
  const cache = new Map<string, Float32Array>()
  const cached = (text: string) => {
    const known = cache.get(text)
    if (known !== undefined) return known
    const found = vectorOf(text)
    cache.set(text, found)
    return found
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      const whole = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      const { input, encoding_format: format } = JSON.parse(whole.toString())
      const texts: string[] = typeof input === 'string' ? [input] : input
      let data = ''
      for (let i = 0; i < texts.length; i++) {
        const vector = cached(texts[i]!)
        const text = VECTOR_TEXT[format as 'float' | 'base64'](vector, 0, vector.length)
        data += `${i === 0 ? '' : ','}{"object":"embedding","index":${i},"embedding":${text}}`
      }
      const body = `{"object":"list","data":[${data}],"model":"bench","usage":{"prompt_tokens":0,"total_tokens":0}}`
      // All ASCII: the cheapest way that there is to send a text.
      const headers = ['content-type', 'application/json', 'content-length', String(body.length)]
      response.writeHead(200, headers).end(body, 'latin1')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}
