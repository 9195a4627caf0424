// Puts a token where none is. What is there and is no text is none: whoever reads sees nothing there, and yet it is in the way.
import type { Client } from './client.js'

/** Whether it was put; it is not where `ifNone` and somebody else was faster. */
export async function putToken(client: Client, key: string, token: string, ifNone: boolean): Promise<boolean> {
  const put = (...only: string[]) => client.sendCommand(['SET', key, token, ...only])
  if (ifNone && (await put('NX')) !== null) return true
  if (ifNone && !(await isNoText(client, key))) return false
  await put()
  return true
}

function isNoText(client: Client, key: string): Promise<boolean> {
  return client.sendCommand(['GET', key]).then(
    () => false,
    (error: unknown) => {
      if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return true
      throw error
    },
  )
}
