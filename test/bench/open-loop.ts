// Requests at a rate of their own, whether the server keeps up or not: what waits is counted from when it was due. Plain sockets, since a
// client of its own would cost more than the server.
import { connect, type Socket } from 'node:net'

export interface OpenLoop {
  readonly perSecond: number
  readonly seconds: number
  readonly connections: number
}

/** More than the headers of either server have. */
const HEAD_BYTES = 512

/** The 99th percentile of the time from when a request was due to the end of its answer, ms. All are the same POST of `body`. */
export async function openLoop(
  url: string,
  body: string,
  { perSecond, seconds, connections }: OpenLoop,
): Promise<number> {
  const { host, hostname, port } = new URL(url)
  const head = `POST /v1/embeddings HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`
  const request = head + body
  const delays: number[] = []
  const idle: Socket[] = []
  const due: number[] = []
  const answers = new Map<Socket, { since: number; left: number }>()
  const next = (socket: Socket) => {
    const since = due.shift()
    if (since === undefined) return void idle.push(socket)
    answers.set(socket, { since, left: -1 })
    socket.write(request)
  }
  for (let i = 0; i < connections; i++) {
    const socket = connect(Number(port), hostname).setNoDelay(true)
    await new Promise(resolve => socket.once('connect', resolve))
    socket.on('data', chunk => {
      const answer = answers.get(socket)!
      if (answer.left < 0) {
        const text = chunk.toString('latin1', 0, HEAD_BYTES)
        answer.left = text.indexOf('\r\n\r\n') + 4 + Number(/content-length: (\d+)/i.exec(text)![1])
      }
      answer.left -= chunk.length
      if (answer.left > 0) return
      delays.push(performance.now() - answer.since)
      next(socket)
    })
    idle.push(socket)
  }
  const total = perSecond * seconds
  const start = performance.now()
  for (let sent = 0; sent < total; ) {
    const now = performance.now()
    for (; sent < total && start + (1000 * sent) / perSecond <= now; sent++) {
      due.push(start + (1000 * sent) / perSecond)
      const socket = idle.pop()
      if (socket) next(socket)
    }
    await new Promise(resolve => setImmediate(resolve))
  }
  while (delays.length < Math.floor(total)) await new Promise(resolve => setTimeout(resolve, 1))
  for (const socket of answers.keys()) socket.destroy()
  for (const socket of idle) socket.destroy()
  delays.sort((a, b) => a - b)
  return delays[Math.ceil(0.99 * delays.length) - 1]!
}
