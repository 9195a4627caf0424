// WebDriver (W3C), as much of it as webkit.ts needs: requests to a driver on loopback. Knows no browser.

export type Method = 'GET' | 'POST' | 'DELETE'

export interface WebDriverSession {
  readonly capabilities: Readonly<Record<string, unknown>>
  /** A command of this session, `path` below it. Rejects with the driver's own words. */
  send<T = unknown>(method: Method, path: string, body?: object): Promise<T>
  end(): Promise<void>
}

/** Begins one, which starts a browser. `url`: of the driver, without a slash at the end. Rejects after `ms`, too. */
export async function newSession(url: string, capabilities: object, ms: number): Promise<WebDriverSession> {
  const body = { capabilities: { alwaysMatch: capabilities } }
  const signal = AbortSignal.timeout(ms)
  const made = await send<{ sessionId: string; capabilities: Record<string, unknown> }>(
    url,
    'POST',
    '/session',
    body,
    signal,
  )
  const at = `${url}/session/${made.sessionId}`
  return {
    capabilities: made.capabilities,
    send: (method, path, body) => send(at, method, path, body),
    end: async () => void (await send(at, 'DELETE', '')),
  }
}

async function send<T>(url: string, method: Method, path: string, body?: object, signal?: AbortSignal): Promise<T> {
  const response = await fetch(url + path, {
    method,
    ...(body && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  })
  const { value } = (await response.json()) as { value: T & { error?: string; message?: string } }
  if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`)
  return value
}

/** Whether a driver listens there and would begin a session. */
export async function isReady(url: string): Promise<boolean> {
  try {
    return (await send<{ ready: boolean }>(url, 'GET', '/status')).ready
  } catch {
    return false
  }
}
