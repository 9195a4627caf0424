// WebDriver BiDi (W3C), as much of it as firefox.ts needs: commands with answers, and events, over one web socket. Knows
// no browser.
import { WebSocket } from 'ws'

interface Message {
  readonly type: 'success' | 'error' | 'event'
  readonly id?: number | null
  readonly result?: unknown
  readonly error?: string
  readonly message?: string
  readonly method?: string
  readonly params?: unknown
}

export interface Bidi {
  /** Rejects with the browser's own words, and when the connection ends. */
  send<T = unknown>(method: string, params: object): Promise<T>
  close(): void
}

/** `url`: of a web socket that speaks BiDi, `/session` included. `onEvent` hears what was subscribed to. */
export async function connectBidi(url: string, onEvent: (method: string, params: unknown) => void): Promise<Bidi> {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  let last = 0
  const failAll = (why: string) => {
    for (const { reject } of waiting.values()) reject(new Error(why))
    waiting.clear()
  }
  socket.on('message', data => {
    const message = JSON.parse(String(data)) as Message
    if (message.type === 'event') return onEvent(message.method!, message.params)
    const asked = waiting.get(message.id ?? -1)
    waiting.delete(message.id ?? -1)
    if (message.type === 'success') asked?.resolve(message.result)
    else asked?.reject(new Error(`${message.error}: ${message.message}`))
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('error', error => failAll(String(error)))
  socket.on('close', () => failAll('the browser has closed the connection'))
  return {
    send: <T>(method: string, params: object) =>
      new Promise<T>((resolve, reject) => {
        if (socket.readyState !== WebSocket.OPEN) return reject(new Error(`${method}: the connection is closed`))
        const id = ++last
        waiting.set(id, {
          resolve: result => resolve(result as T),
          reject: error => reject(new Error(`${method}: ${error.message}`)),
        })
        socket.send(JSON.stringify({ id, method, params }))
      }),
    close: () => socket.close(),
  }
}
