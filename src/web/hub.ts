// Models of a hub in a page: which files, fetched by a worker, verified, kept by commit. What was fetched once is asked of
// no server again. Part of the web root.
import { Link } from '../embedder/link.js'
import { type Dtype, externalDataOf, knownModel } from '../embedder/model/table.js'
import { abortError, isOpDbusError, OpDbusError } from '../errors.js'
import { type HubFile, neededFiles, readListing } from '../hub/listing.js'
import { isCommit, isHubId, isSafePath } from '../hub/names.js'
import type { CallOptions, WorkerHandle } from '../ports.js'
import { failure, unreachable } from './fetch-file.js'
import type { FileCache } from './file-cache.js'
import type { KnownFile } from './model-folder.js'
import type { PageWorker } from './worker-protocol.js'

export interface HubRequest extends CallOptions {
  /** Without a slash at its end. */
  readonly hub: string
  readonly fileCache: FileCache
  readonly spawn: () => WorkerHandle
  readonly dtype: Dtype | undefined
  /** Nothing is fetched. */
  readonly offline: boolean
  /** Why what is fetched would be of no use: then nothing is. */
  readonly useless?: OpDbusError
}

/** What of a model is in the file cache. */
interface HubRecord {
  readonly commit: string
  readonly files: Readonly<Record<string, HubFile & { readonly sha256: string; readonly dynamic: boolean }>>
}

/**
 * The files of the model `name`, a level or a hub id, by their paths; all in the file cache when this resolves. The commit is
 * the one that was fetched first. Rejects with DOWNLOAD, MODEL_NOT_FOUND, UNSUPPORTED_MODEL or ABORTED.
 */
export async function hubModel(name: string, request: HubRequest): Promise<ReadonlyMap<string, KnownFile>> {
  const known = knownModel(name)
  const id = known?.hubId ?? name
  if (!isHubId(id) || !id.includes('/')) throw unknown(name)
  const dtype = request.dtype ?? known?.dtype ?? 'fp32'
  const { hub, fileCache } = request
  const noteUrl = `${hub}/api/models/${id}?op-dbus-record`
  const record = asRecord(await fileCache.note(noteUrl))
  const there = record && filesOf(id, record, dtype, hub)
  if (there) return there
  if (request.offline) {
    throw new OpDbusError('DOWNLOAD', `${id} was never fetched whole by this page, and nothing is fetched offline`, {
      details: { why: 'offline', id },
    })
  }
  if (request.useless) throw request.useless
  const { commit, files } = await list(id, record?.commit ?? 'main', request)
  const needed = neededFiles(id, files, dtype)
  refuseExternal(id, needed)
  const found = await fetchAll(id, commit, needed, request)
  const others = record?.commit === commit ? record.files : {}
  const complete: HubRecord = { commit, files: { ...others, ...found } }
  await fileCache.setNote(noteUrl, complete)
  return filesOf(id, { commit, files: found }, dtype, hub)!
}

async function list(id: string, revision: string, { hub, signal }: HubRequest) {
  const url = `${hub}/api/models/${id}/revision/${revision}?blobs=true`
  let text: string
  try {
    const response = await fetch(url, { cache: 'no-cache', signal })
    // The real hub says 401 for what does not exist, as for what needs a token.
    if ([401, 403, 404].includes(response.status)) {
      throw new OpDbusError(
        'MODEL_NOT_FOUND',
        `${new URL(url).host} has no model ${JSON.stringify(id)} for everybody`,
        {
          details: { id, url },
        },
      )
    }
    if (!response.ok) throw failure(url, 'refused', `the hub answers ${response.status}`, { status: response.status })
    text = await response.text()
  } catch (error) {
    if (signal?.aborted) throw abortError(signal)
    if (isOpDbusError(error)) throw error
    throw unreachable(url, error, { id })
  }
  return readListing(id, text)
}

/** In a worker that is ended with the call: hashing 80 MB is nothing for a page's own thread. */
async function fetchAll(id: string, commit: string, needed: readonly HubFile[], request: HubRequest) {
  const { hub, spawn, signal } = request
  const lost = (why: string) => new OpDbusError('WORKER_LOST', `the worker that fetches ${id} is gone: ${why}`)
  const link = new Link<PageWorker>(spawn(), { lost })
  try {
    const refs = needed.map(({ path, bytes, blob }) => ({ url: urlOf(hub, id, commit, path), bytes, digest: blob }))
    const found = await link.call('fetchFiles', refs, { signal })
    return Object.fromEntries(needed.map((file, i) => [file.path, { ...file, ...found[i]! }]))
  } finally {
    await link.end()
  }
}

/** Undefined where the record lacks what this dtype needs. */
function filesOf(id: string, { commit, files }: HubRecord, dtype: Dtype, hub: string) {
  try {
    const needed = neededFiles(id, Object.values(files), dtype)
    return new Map(
      needed.map(({ path }): [string, KnownFile] => {
        const { bytes, sha256, dynamic } = files[path]!
        return [path, { url: urlOf(hub, id, commit, path), bytes, digest: sha256, dynamic }]
      }),
    )
  } catch {
    return undefined
  }
}

function urlOf(hub: string, id: string, commit: string, path: string): string {
  return `${hub}/${id}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`
}

function refuseExternal(id: string, needed: readonly HubFile[]): void {
  const paths = needed.map(file => file.path)
  const outside = paths.filter(path => path.endsWith('.onnx')).flatMap(onnx => externalDataOf(onnx, paths))
  if (outside.length === 0) return
  throw new OpDbusError(
    'UNSUPPORTED_MODEL',
    `model ${id} keeps its weights beside the ONNX file (${outside[0]}), which a page cannot open`,
    { details: { file: outside[0] } },
  )
}

function asRecord(value: unknown): HubRecord | undefined {
  const { commit, files } = (value ?? {}) as Partial<HubRecord>
  if (!isCommit(commit) || typeof files !== 'object' || files === null) return undefined
  const sound = Object.entries(files).every(([path, file]) => isSafePath(path) && file?.path === path)
  return sound ? { commit, files } : undefined
}

function unknown(name: string): OpDbusError {
  return new OpDbusError(
    'MODEL_NOT_FOUND',
    `no model ${JSON.stringify(name)}: a page has builtin, low, medium, high, and models of a hub by their id (org/name)`,
    { details: { known: ['builtin', 'low', 'medium', 'high'] } },
  )
}
