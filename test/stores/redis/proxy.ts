// A proxy on the way to a server that does what networks and bad middle boxes do: waits, falls silent, loses commands, changes bytes.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface Link {
  readonly port: number
  /** What is done with the bytes that the server answers; undefined: they are lost. */
  answers: (bytes: Buffer) => Buffer | undefined
  /** What is done with the bytes that are asked. */
  questions: (bytes: Buffer) => Buffer | undefined
  /** How long each answer takes beside, ms. */
  delayMs: number
  /** Questions that are kept, with what follows on their connection, until `release`. */
  holds: (bytes: Buffer) => boolean
  release(): void
  /** Connections so far. */
  readonly connections: number
  close(): Promise<void>
}

export async function openProxy(to: number): Promise<Link> {
  const sockets = new Set<Socket>()
  const held: (() => void)[] = []
  const release = () => {
    for (const go of held.splice(0)) go()
  }
  const holds = (_bytes: Buffer) => false
  const proxy = { port: 0, answers: same, questions: same, delayMs: 0, connections: 0, holds, release, close }
  const server = createServer(client => {
    proxy.connections++
    const upstream = connect(to, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    let kept = 0
    client.on('data', bytes => {
      const go = () => pass(upstream, proxy.questions(bytes), 0)
      if (kept === 0 && !proxy.holds(bytes)) return go()
      kept++
      held.push(() => {
        kept--
        go()
      })
    })
    upstream.on('data', bytes => pass(client, proxy.answers(bytes), proxy.delayMs))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy.port = (server.address() as { port: number }).port
  return proxy

  async function close(): Promise<void> {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
}

const same = (bytes: Buffer): Buffer | undefined => bytes

function pass(to: Socket, bytes: Buffer | undefined, ms: number): void {
  if (bytes === undefined || to.destroyed) return
  if (ms === 0) to.write(bytes)
  else setTimeout(() => to.destroyed || to.write(bytes), ms)
}
