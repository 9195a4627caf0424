// Server-sent events out of a stream of bytes (HTML Living Standard, 9.2.6). Pure: opens no connection.

export interface StreamEvent {
  readonly name: string
  readonly data: string
}

/** A line, or an event, of more than this is nothing that the daemon sends: characters. */
const MOST = 4_000_000

/** Ends with the stream. @throws what the stream throws, and where no line ends for too long */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  let name = ''
  let data: string[] = []
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      rest += decoder.decode(value, { stream: true })
      // A lone \r at the end may be the first half of \r\n.
      const end = rest.endsWith('\r') ? rest.length - 1 : rest.length
      const lines = rest.slice(0, end).split(/\r\n|\n|\r/)
      rest = lines.pop()! + rest.slice(end)
      if (rest.length > MOST) throw new Error('a line of the event stream does not end')
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { name: name || 'message', data: data.join('\n') }
          name = ''
          data = []
        } else if (!line.startsWith(':')) {
          const colon = line.indexOf(':')
          const field = colon < 0 ? line : line.slice(0, colon)
          const text = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
          if (field === 'event') name = text
          else if (field === 'data') data.push(text)
        }
      }
    }
  } finally {
    // What reads on after us would hold the connection.
    await reader.cancel().catch(() => {})
  }
}
