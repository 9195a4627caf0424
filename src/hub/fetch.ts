// Fetches what a repository holds: its list, and its files, each resumed where it broke off and verified before it gets its name.
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isOpDbusError, type OpDbusError } from '../errors.js'
import { unlessAbsent } from '../fs/files.js'
import { moveTo, syncHandle } from '../fs/replace.js'
import { goneError, refusal } from './error-messages.js'
import {
  type Answer,
  asDownloadError,
  broken,
  get,
  type HubSite,
  type Retrying,
  retrying,
  statusError,
} from './http.js'
import { onDisk } from './io.js'
import { type HubFile, type Listing, readListing, refused } from './listing.js'
import { digestOf } from './store.js'

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

export interface FetchTask extends Retrying {
  readonly site: HubSite
  readonly id: string
  readonly commit: string
  readonly file: HubFile
  /** The folder of blobs; the file comes to lie in it under `file.blob`. */
  readonly blobs: string
  /** The file that records what is to come; undefined where that is the hub's own list. */
  readonly lockFile: string | undefined
  /** Bytes of this file that are here now; goes back to 0 when what was here was of no use. Must not throw. */
  readonly onBytes: (bytes: number) => void
}

/** Ends as the partial files of huggingface_hub do, so that its tools can tidy up after us. */
const PARTIAL = /^([0-9a-f]+)\.[0-9a-f]{8}\.op-dbus\.incomplete$/

/**
 * Brings the file under its blob name; call it while holding the mutex of the repository. Returns its SHA-256 and how many
 * bytes came over the network. Rejects with DOWNLOAD, STORE or ABORTED; then nothing new lies under the blob's name, and
 * what came is kept for the next try, unless it was wrong or the disk is full.
 */
export async function fetchBlob(task: FetchTask): Promise<{ sha256: string; downloaded: number }> {
  const { file, blobs } = task
  const path = join(blobs, `${file.blob}.${task.io.id()}.op-dbus.incomplete`)
  let downloaded = 0
  try {
    for (let inherited = await adopt(path, task); ; inherited = 0) {
      downloaded += await receive(path, inherited, task)
      const digest = await digestOf(path, file, task.signal)
      if (digest.right) {
        await onDisk(path, () => moveTo(join(blobs, file.blob), path))
        return { sha256: digest.sha256, downloaded }
      }
      await rm(path, { force: true })
      // What an earlier process left may have been spoilt since; what came whole is what the hub sends.
      if (inherited === 0) throw wrong(task, 'has another hash', digest.sha256)
    }
  } catch (error) {
    const spoilt = isOpDbusError(error, 'STORE') || (isOpDbusError(error) && error.details.why === 'integrity')
    const empty = (await lstat(path).catch(() => undefined))?.size === 0
    if (spoilt || empty) await rm(path, { force: true }).catch(() => {})
    throw error
  }
}

/** Removes what was left of downloads that nobody goes on with; call it while holding the mutex of the repository. */
export async function removePartials(blobs: string): Promise<void> {
  for (const name of (await unlessAbsent(blobs, dir => readdir(dir))) ?? []) {
    if (PARTIAL.test(name)) await rm(join(blobs, name), { force: true }).catch(() => {})
  }
}

/** Takes over the longest of what earlier, ended tries left of this file; its length, 0 where there is none. */
async function adopt(path: string, { file, blobs }: FetchTask): Promise<number> {
  const longest = await longestPartial(blobs, file)
  if (!longest) return 0
  // Whoever still has it open writes into a file that is hashed before it is believed.
  await onDisk(path, () => moveTo(path, longest.full))
  return longest.size
}

/** The longest of what earlier, ended tries left of this file. */
export async function longestPartial(blobs: string, file: HubFile) {
  const left: { full: string; size: number }[] = []
  for (const name of (await unlessAbsent(blobs, dir => readdir(dir))) ?? []) {
    if (PARTIAL.exec(name)?.[1] !== file.blob) continue
    const full = join(blobs, name)
    const info = await unlessAbsent(full, one => lstat(one))
    if (info?.isFile() && info.size <= file.bytes) left.push({ full, size: info.size })
  }
  return left.sort((a, b) => b.size - a.size)[0]
}

/** How far a file has come. */
interface Transfer {
  readonly handle: FileHandle
  have: number
  fetched: number
}

/** Brings the file at `path` from `start` bytes to its full length; returns how many came over the network. */
async function receive(path: string, start: number, task: FetchTask): Promise<number> {
  const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)
  // The umask decides who may read it, as for the files of other tools that share the cache.
  const handle = await onDisk(path, () => open(path, flags, 0o666))
  const transfer: Transfer = { handle, have: start, fetched: 0 }
  try {
    task.onBytes(start)
    await retrying(
      task,
      () => request(path, transfer, task),
      () => transfer.fetched,
    )
    await onDisk(path, () => syncHandle(handle))
    return transfer.fetched
  } finally {
    await handle.close().catch(() => {})
  }
}

/** One request for what is missing, written as it comes. */
async function request(path: string, transfer: Transfer, task: FetchTask): Promise<void> {
  const { site, id, commit, file, io, signal } = task
  if (transfer.have === file.bytes) return
  const name = file.path.split('/').map(encodeURIComponent).join('/')
  const url = `${site.endpoint}/${id}/resolve/${commit}/${name}`
  const range: Record<string, string> = transfer.have > 0 ? { range: `bytes=${transfer.have}-` } : {}
  const answer = await get(site, url, { signal, timeoutMs: io.timeoutMs, headers: range })
  try {
    await begin(path, answer, transfer, task)
    for await (const chunk of answer.response.body ?? []) {
      answer.alive()
      // Cut at the stated size, whatever the body still holds: an endless one, or one that unpacks to more.
      if (transfer.have + chunk.length > file.bytes) throw wrong(task, 'is longer')
      await onDisk(path, () => io.write(transfer.handle, chunk, transfer.have))
      transfer.have += chunk.length
      transfer.fetched += chunk.length
      task.onBytes(transfer.have)
    }
  } catch (error) {
    throw asDownloadError(error, new URL(answer.response.url || url), signal)
  } finally {
    answer.done()
  }
  if (transfer.have < file.bytes) {
    throw broken(`${file.path} of ${id} ended after ${transfer.have} of ${file.bytes} bytes`)
  }
}

/** Refuses an answer that cannot hold the file, and sets `transfer` to where its body begins. */
async function begin(path: string, answer: Answer, transfer: Transfer, task: FetchTask): Promise<void> {
  const { file, commit } = task
  const { response, hubHeaders } = answer
  const refuse = async (error: OpDbusError) => {
    await response.body?.cancel().catch(() => {})
    throw error
  }
  const startOver = async () => {
    await onDisk(path, () => transfer.handle.truncate(0))
    transfer.have = 0
    task.onBytes(0)
  }
  if (response.status === 416) {
    await startOver()
    return refuse(broken(`${file.path} of ${task.id} cannot be resumed`))
  }
  if (response.status !== 200 && response.status !== 206) {
    const what = `${file.path} of ${task.id} at commit ${commit.slice(0, 12)}`
    if (response.status !== 404 || task.lockFile === undefined) return refuse(statusError(task.site, response, what))
    const gone = `${file.path} at commit ${commit.slice(0, 12)}`
    return refuse(goneError(new URL(response.url).host, gone, task.id, commit, task.lockFile))
  }
  const stated = statedOtherwise(hubHeaders, file, commit)
  if (stated !== undefined) return refuse(wrong(task, stated))
  const packed = (response.headers.get('content-encoding') ?? 'identity') !== 'identity'
  if (response.status === 206) {
    const part = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '')
    const fits = part && Number(part[1]) === transfer.have && (part[2] === '*' || Number(part[2]) === file.bytes)
    if (!fits || packed) {
      await startOver()
      return refuse(broken(`${file.path} of ${task.id} was resumed at another place than asked for`))
    }
  } else if (transfer.have > 0) await startOver()
  const length = response.headers.get('content-length')
  if (length !== null && !packed && Number(length) !== file.bytes - transfer.have) {
    return refuse(wrong(task, `has another length (${length} bytes to come)`))
  }
}

/** What the hub's own headers say of the file, where that is not what we are to fetch. */
function statedOtherwise(headers: Headers, file: HubFile, commit: string): string | undefined {
  const etag = headers.get('x-linked-etag')?.replace(/^W\/|"/g, '')
  const size = headers.get('x-linked-size')
  const of = headers.get('x-repo-commit')
  if (file.blob.length === 64 && etag?.length === 64 && etag !== file.blob) return `has another hash (${etag})`
  if (size && Number(size) !== file.bytes) return `has another size (${size} bytes)`
  if (of && of !== commit) return `is of another commit (${of.slice(0, 12)})`
  return undefined
}

/** What came is not what was to come. `found`: its SHA-256, where all of it came. */
function wrong({ id, file, commit, site, lockFile }: FetchTask, what: string, found?: string): OpDbusError {
  const { host } = new URL(site.endpoint)
  const expected = file.sha256 ?? file.blob
  const hash = `${expected.length === 64 ? 'SHA-256' : 'Git hash'} ${expected}`
  const came = found === undefined ? '' : `; came: SHA-256 ${found}`
  const lines =
    lockFile === undefined
      ? [
          `${file.path} of ${id}, as ${host} sends it, ${what} than its list states`,
          `stated: ${file.bytes} bytes, ${hash}, commit ${commit.slice(0, 12)}${came}`,
          'what came was thrown away: try again, or from another hub (HF_ENDPOINT)',
        ]
      : [
          `${file.path} of ${id}, as ${host} sends it, ${what} than ${lockFile} records`,
          `recorded: ${file.bytes} bytes, ${hash}, commit ${commit.slice(0, 12)}${came}`,
          `if the record is wrong, or the model was meant to change: op-dbus models pull --update ${id}`,
        ]
  return refusal(lines.join('\n'), 'integrity', { id, file: file.path, commit, expected, found })
}
