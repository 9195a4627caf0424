// Requests that come over one connection are taken one after the other, as their answers are sent (RFC 9112, 9.3.2): who pipelines has no more
// in hand than who does not, and his leaving ends what he asked for. What may not wait is not taken: the connection ends after the answers
// before it. Knows nothing of what is asked.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

type Asked = readonly [IncomingMessage, ServerResponse]

interface Line {
  /** The answer that is being made or sent. */
  response: ServerResponse
  /** Requests that wait for its end. */
  readonly waiting: Asked[]
  /** Requests that are not taken any more. */
  dropped: number
}

/** How many may wait. */
const MOST_WAITING = 32
/** A body that waits is not read; where it is no longer than this, the end of the connection is still seen behind it. */
const SMALL = 2 ** 14
/** After so many that are not taken what comes is no longer parsed: each holds memory until the connection ends. */
const MOST_DROPPED = 256
/** The same for all connections together, some 4 kB each: who sends more is cut off without the answers. */
const MOST_DROPPED_TOGETHER = 2 ** 14

export function oneAtATime(handler: RequestListener): RequestListener {
  const lines = new WeakMap<Socket, Line>()
  let droppedTogether = 0

  const next = (line: Line) => {
    const first = line.waiting.shift()
    if (first !== undefined && !first[0].socket.destroyed) take(line, ...first)
  }
  const take = (line: Line, request: IncomingMessage, response: ServerResponse) => {
    line.response = response
    if (line.waiting.length > 0) response.once('close', () => next(line))
    handler(request, response)
  }
  /** Is read nevertheless, so that the end of the connection is seen, and so that no reset overtakes the answers. */
  const drop = (line: Line, request: IncomingMessage) => {
    const { socket } = request
    request.resume()
    droppedTogether++
    line.dropped++
    if (line.dropped === 1) socket.once('close', () => (droppedTogether -= line.dropped))
    if (line.dropped === MOST_DROPPED) setImmediate(() => socket.removeAllListeners('data').on('data', () => {}))
    if (droppedTogether > MOST_DROPPED_TOGETHER) socket.destroy()
  }
  /** Takes neither it nor what comes after it: its sender is told with the answer before it, after which the connection ends. */
  const dropFrom = (line: Line, asked: Asked) => {
    const { waiting } = line
    for (const [request] of waiting.splice(waiting.indexOf(asked))) drop(line, request)
    const last = waiting.at(-1)?.[1] ?? line.response
    if (!last.headersSent) last.setHeader('connection', 'close')
    last.once('close', () => asked[0].socket.destroySoon())
  }
  const dropWhereLong = (line: Line, asked: Asked) => {
    const [{ complete, readableLength, socket }] = asked
    if (socket.destroyed || (complete && readableLength < SMALL)) return
    if (line.waiting.includes(asked) && isInHand(line, asked)) dropFrom(line, asked)
  }
  return (request, response) => {
    const { socket } = request
    const line = lines.get(socket)
    if (line === undefined) {
      lines.set(socket, { response, waiting: [], dropped: 0 })
      handler(request, response)
      return
    }
    const { response: current, waiting } = line
    if (line.dropped > 0) {
      drop(line, request)
      return
    }
    if (current.closed && waiting.length === 0) {
      take(line, request, response)
      return
    }
    const asked: Asked = [request, response]
    if (waiting.push(asked) === 1) current.once('close', () => next(line))
    if (waiting.length > MOST_WAITING || (isInHand(line, asked) && lengthOf(request) > SMALL)) dropFrom(line, asked)
    // How long it is shows when what came with its headers is parsed.
    else if (isChunked(request)) setImmediate(() => dropWhereLong(line, asked))
  }
}

/** Whether something before it is worked on. Once that is answered, and only not read yet, nothing is lost by reading no further. */
function isInHand({ response, waiting }: Line, asked: Asked): boolean {
  return !response.writableEnded || waiting[0] !== asked
}

function isChunked({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined
}

function lengthOf({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0)
}
