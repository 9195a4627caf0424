// What is answered to bytes that are no request, and to one that did not arrive in time: there is no request then, and so no app that could.
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { errnoOf } from '../fs/errno.js'
import { errorBody, HttpProblem } from './http-errors.js'

/** By what Node calls them. */
const PROBLEMS: Readonly<Record<string, HttpProblem>> = {
  HPE_HEADER_OVERFLOW: new HttpProblem(431, 'TOO_LARGE', 'the headers are larger than this server takes'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: new HttpProblem(413, 'TOO_LARGE', 'the chunks say more than this server takes'),
  ERR_HTTP_REQUEST_TIMEOUT: new HttpProblem(408, 'TIMEOUT', 'the request took too long to arrive: send it again'),
}
const NO_REQUEST = new HttpProblem(400, 'INVALID_INPUT', 'this is no HTTP request that this server takes')

const WORDS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
}

export function answerParserErrors(server: Server): void {
  server.on('clientError', (error, duplex) => {
    const socket = duplex as Socket & { readonly _httpMessage?: ServerResponse | null }
    // Into the midst of an answer nothing can be said.
    if (socket.writable && !socket._httpMessage?.headersSent) {
      socket.write(answerOf(PROBLEMS[errnoOf(error) ?? ''] ?? NO_REQUEST))
    }
    socket.destroy(error)
  })
}

function answerOf(problem: HttpProblem): string {
  const body = JSON.stringify(errorBody('api', problem))
  const { status } = problem
  const headers = `Connection: close\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}`
  return `HTTP/1.1 ${status} ${WORDS[status]}\r\n${headers}\r\n\r\n${body}`
}
