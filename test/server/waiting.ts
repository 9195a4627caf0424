// What tests of whole programs wait for.
import { createServer } from 'node:net'

/** Asks until it is so, or cannot be asked yet; the test's own limit ends it. */
export async function until(so: () => boolean | Promise<boolean>): Promise<void> {
  for (;;) {
    if (
      await Promise.resolve()
        .then(so)
        .catch(() => false)
    )
      return
    await new Promise(resolve => setTimeout(resolve, 25))
  }
}

/** A port of loopback that nobody has; for programs that do not say which one they took. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
