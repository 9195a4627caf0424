// What tests wait for: that something is so, and a port for a program that takes none of its own.
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Asks again and again until it is so; the test's own limit ends it. */
export async function until(so: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await so())) await new Promise(resolve => setTimeout(resolve, 5))
}

/** A port of loopback that nobody has; for programs that do not say which one they took. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
