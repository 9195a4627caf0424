// Asks a hub what a repository holds. Believes nothing: listing.ts reads the answer.

import { asDownloadError, get, type HubSite, statusError } from './http.js'
import { type Listing, readListing, refused } from './listing.js'
import { type Retrying, retrying } from './retry.js'

/** 100,000 files make a list about so long. */
const LISTING_BYTES = 32 * 2 ** 20

/** Asks for the files of `id` at `revision`; undefined where the hub knows no such model or revision. One request. */
export async function fetchListing(
  site: HubSite,
  id: string,
  revision: string,
  how: Retrying,
): Promise<Listing | undefined> {
  const url = `${site.endpoint}/api/models/${id}/revision/${revision}?blobs=true`
  const { io, signal } = how
  const text = await retrying(how, async () => {
    const { response, alive, done } = await get(site, url, { signal, timeoutMs: io.timeoutMs })
    try {
      if (response.status === 404) return undefined
      if (response.status !== 200) throw statusError(site, response, id)
      const parts: Uint8Array[] = []
      let bytes = 0
      for await (const chunk of response.body ?? []) {
        alive()
        bytes += chunk.length
        if (bytes > LISTING_BYTES) throw refused(id, 'does not end')
        parts.push(chunk)
      }
      return Buffer.concat(parts).toString('utf8')
    } catch (error) {
      throw asDownloadError(error, new URL(url), signal)
    } finally {
      await response.body?.cancel().catch(() => {})
      done()
    }
  })
  return text === undefined ? undefined : readListing(id, text)
}
