// Connections are handed to the HTTP server with their first byte: the time that a request may take to arrive begins then. Before, they cost
// nothing and may wait as long as one that is kept between two requests. Knows no HTTP.
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** How many connections may have sent nothing. */
const MOST_SILENT = 1024

/** Answers what closes the connections that have sent nothing. */
export function fromFirstByte(server: Server, idleMs: number): () => void {
  const begin = server.listeners('connection')[0] as (this: Server, socket: Socket) => void
  const silent = new Set<Socket>()
  server.off('connection', begin)
  server.on('connection', socket => {
    const onData = (bytes: Buffer) => {
      leave()
      socket.off('close', leave).off('timeout', onTimeout).off('error', onError).setTimeout(0)
      socket.pause()
      socket.unshift(bytes)
      begin.call(server, socket)
      process.nextTick(() => socket.resume())
    }
    const leave = () => {
      silent.delete(socket)
      socket.off('data', onData).off('end', onTimeout)
    }
    const onTimeout = () => socket.destroy()
    const onError = () => {}
    silent.add(socket)
    // Who opens very many leaves room for others.
    if (silent.size > MOST_SILENT) silent.values().next().value?.destroy()
    socket.on('data', onData).on('end', onTimeout).on('error', onError).on('close', leave)
    socket.setTimeout(idleMs, onTimeout)
  })
  return () => {
    for (const socket of silent) socket.destroy()
  }
}
