// Requests that come over one connection are taken one after the other, as their answers are sent (RFC 9112, 9.3.2): who pipelines has no more
// in hand than who does not, and his leaving ends what he asked for. Knows nothing of what is asked.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

interface Line {
  /** The answer that is being made or sent. */
  response: ServerResponse
  /** Requests that wait for its end. */
  readonly waiting: [IncomingMessage, ServerResponse][]
}

/** How many may wait. */
const MOST_WAITING = 32
/** A body that waits is not read; where it is no longer than this, the end of the connection is still seen behind it. */
const SMALL = 2 ** 14

export function oneAtATime(handler: RequestListener): RequestListener {
  const lines = new WeakMap<Socket, Line>()

  const next = (line: Line) => {
    const first = line.waiting.shift()
    if (first !== undefined && !first[0].socket.destroyed) take(line, ...first)
  }
  const take = (line: Line, request: IncomingMessage, response: ServerResponse) => {
    line.response = response
    if (line.waiting.length > 0) response.once('close', () => next(line))
    handler(request, response)
  }
  return (request, response) => {
    const { socket } = request
    const line = lines.get(socket)
    if (line === undefined) {
      lines.set(socket, { response, waiting: [] })
      handler(request, response)
      return
    }
    const { response: current, waiting } = line
    if (current.closed && waiting.length === 0) {
      take(line, request, response)
      return
    }
    // While it is worked on; once it is answered, and only not read yet, nothing is lost by reading no further.
    if (waiting.length === MOST_WAITING || (!current.writableEnded && !isSmall(request))) {
      socket.destroy()
      return
    }
    if (waiting.push([request, response]) === 1) current.once('close', () => next(line))
  }
}

function isSmall({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && !(Number(headers['content-length']) > SMALL)
}
