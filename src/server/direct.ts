// A way past Fastify for the requests that there are most of: a POST as every client sends it to a route that is `direct`. It is let in and
// told of errors as everywhere (admission.ts); whatever is unusual about a request goes the usual way. Knows no route by name.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Admission, RouteFacts } from './admission.js'
import type { JsonReader } from './json-body.js'

/** What such a route is given, by Fastify or without it. */
export interface DirectRequest {
  readonly id: string
  readonly raw: IncomingMessage
  /** JSON. */
  readonly body: unknown
}

/** It writes to `raw` after `hijack()`. */
export interface DirectReply {
  readonly raw: ServerResponse
  hijack(): unknown
}

/** Throws, or rejects, before it writes. */
export type DirectHandler = (request: DirectRequest, reply: DirectReply) => Promise<void> | undefined

export interface DirectRoute {
  readonly facts: RouteFacts
  readonly handler: DirectHandler
}

export interface DirectOptions {
  readonly admission: Admission
  /** By address. */
  readonly routes: ReadonlyMap<string, DirectRoute>
  readonly read: JsonReader
  /** Has everything else. */
  readonly usual: RequestListener
}

const JSON_TYPE = 'application/json'

export function directly({ admission, routes, read, usual }: DirectOptions): RequestListener {
  return (raw, res) => {
    const { headers, method, url } = raw
    const route = method === 'POST' && headers['content-type'] === JSON_TYPE ? routes.get(url!) : undefined
    if (route === undefined) return usual(raw, res)
    const id = admission.newId()
    const { form } = route.facts
    const failed = (error: unknown) => tell(admission.explain(error, raw, res, id, form), res)
    try {
      admission.admit(route.facts, raw, res, id)
    } catch (error) {
      return failed(error)
    }
    read(raw, (error, body) => {
      if (error !== null) return failed(error)
      try {
        const answered = route.handler({ id, raw, body }, { raw: res, hijack })
        if (answered !== undefined) answered.catch(failed)
      } catch (error) {
        failed(error)
      }
    })
  }
}

/** There is nobody to take it from. */
function hijack(): void {}

function tell({ status, body }: { readonly status: number; readonly body: object }, res: ServerResponse): void {
  const bytes = Buffer.from(JSON.stringify(body))
  res.setHeader('content-type', `${JSON_TYPE}; charset=utf-8`)
  res.setHeader('content-length', bytes.length)
  res.writeHead(status).end(bytes)
}
