// Why a browser could not load or start a worker's script, of which it says nothing: found out from the server's answer.
// Part of the web root; fetches that script and nothing else.

const RUN_ASSETS = 'run op-dbus assets DIR, or let a bundler bring it'
/** What isolates a page; its workers' scripts must say one of them as well. */
const COEP = 'Cross-Origin-Embedder-Policy'

/**
 * One sentence and what to do. `url`: undefined where only a bundler knows it. `isolated`: the page is cross-origin
 * isolated. Never rejects.
 */
export async function scriptFault(url: string | undefined, isolated: boolean): Promise<string> {
  if (url === undefined) return `its script could not be loaded from beside the module: ${RUN_ASSETS}`
  const named = `its script could not be loaded from ${url}`
  let response: Response
  try {
    response = await fetch(url, { cache: 'no-cache' })
    void response.body?.cancel().catch(() => undefined)
  } catch {
    return `${named}: the server cannot be reached`
  }
  const { ok, status, headers } = response
  const type = headers.get('content-type') ?? 'no type'
  if (!ok) return `${named}: the server answers ${status}. ${RUN_ASSETS}`
  if (!/javascript|ecmascript/i.test(type)) return `${named}: the server answers with ${type}, no script. ${RUN_ASSETS}`
  if (isolated && !/require-corp|credentialless/.test(headers.get(COEP) ?? '')) {
    return `${named}: it is there, but without the header ${COEP}, which this cross-origin isolated page asks of it. Send the same with every file of the folder as with the page`
  }
  return `${named}: it is there; a Content-Security-Policy (worker-src) may forbid it`
}
