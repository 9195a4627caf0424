// Pulls one model from the hub into the Hugging Face cache: which files, under one lock, verified, recorded. Loads no model.

import { type Dtype, knownModel } from '../embedder/model/table.js'
import { abortError, isOpDbusError, OpDbusError } from '../errors.js'
import type { Call } from '../ports.js'
import { goneError, moveOn, noRoomError, offlineError, unreachableError } from './advice.js'
import { type HubOptions, isPath, type ModelPlace, placeFor } from './cache.js'
import { checkSmallFiles } from './check.js'
import { fetchBlob, longestPartial, removePartials } from './fetch.js'
import { fetchListing } from './fetch-listing.js'
import { type HubSite, hubSite, isTrue } from './http.js'
import { type HubIo, NODE_IO } from './io.js'
import type { Listing } from './listing.js'
import { type LockOptions, withLock } from './lock.js'
import { isHubId } from './names.js'
import { type Recorded, type RecordedFile, type RecordedModel, recordOf, writeRecord } from './record.js'
import { refusal } from './refusal.js'
import type { Retry, Retrying } from './retry.js'
import { type HubFile, isSmallFile, neededFiles, totalBytes } from './select.js'
import { Repository } from './store.js'

/** Bytes over all files that are fetched. */
export interface PullProgress {
  /** As it was asked for: a level or a hub id. */
  readonly model: string
  /** The hub's address. */
  readonly from: string
  /** The folder of models that it is fetched into. */
  readonly into: string
  readonly file: string
  readonly done: number
  readonly total: number
}

/** A listener that throws is called no more: the download ends, and then the call rejects with what it threw. */
export interface PullOptions extends Call {
  readonly onProgress?: (progress: PullProgress) => void
  /** Called once when another process is pulling the same model and this one waits; `who` is for people. */
  readonly onWait?: (who: string) => void
  /** Called before each wait for another try, after one that broke off. */
  readonly onRetry?: (retry: Retry) => void
  /** Take what the hub has now, and record that. Default: the commit that was recorded. */
  readonly update?: boolean
  /** Which weights. Default: those of the level, else fp32. */
  readonly dtype?: Dtype
  /** For tests: time, chance and the disk. */
  readonly io?: Partial<HubIo>
}

/** A model that is on this machine now, every file verified. */
export interface PulledModel {
  readonly id: string
  readonly commit: string
  /** The snapshot's folder. */
  readonly path: string
  /** Of all its files. */
  readonly bytes: number
  /** What came over the network now. */
  readonly downloaded: number
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[]
}

/** What is to be here, and what of it is. */
interface Plan {
  readonly commit: string
  /** The commit is what the hub calls `main` now. */
  readonly isMain: boolean
  /** Where that was recorded; undefined where the hub's own list says it. */
  readonly lockFile: string | undefined
  readonly present: readonly RecordedFile[]
  readonly missing: readonly HubFile[]
}

/**
 * Brings the model `name` (a level or a hub id) to this machine: the small files of its configuration and tokenizer, and
 * one ONNX file. The first pull records commit and hashes in a lock file; a later one brings exactly those bytes, or
 * fails, unless told to `update`. What is here is hashed again; when all of it is right, nothing is asked of the hub.
 * Processes that pull the same model at once download it once.
 *
 * Rejects with DOWNLOAD (`details.why`: 'offline', 'unreachable', 'refused', 'integrity'), MODEL_NOT_FOUND,
 * UNSUPPORTED_MODEL (no ONNX file of that dtype, small files that cannot be honoured: told before the weights are
 * fetched), STORE (also where the disk has no room, before a large download), INVALID_INPUT or ABORTED. Nothing that was
 * not verified ever lies under its final name.
 */
export async function pullModel(name: string, hub: HubOptions, options: PullOptions = {}): Promise<PulledModel> {
  const known = knownModel(name)
  const id = known?.hubId ?? name
  if (name === 'builtin') throw new OpDbusError('INVALID_INPUT', 'the built-in model comes with the package')
  if (isPath(name) || !isHubId(id)) {
    throw new OpDbusError('INVALID_INPUT', `${JSON.stringify(name)} is neither a level nor the id of a model on a hub`)
  }
  const place = await placeFor(id, hub)
  return new Pull(name, id, options.dtype ?? known?.dtype ?? 'fp32', place, hub, options).run()
}

class Pull {
  private readonly io: HubIo
  private readonly signal: AbortSignal | undefined
  private readonly repository: Repository
  private opened: HubSite | undefined
  /** What a listener of the caller's threw. */
  private thrown: { readonly error: unknown } | undefined

  constructor(
    private readonly name: string,
    private readonly id: string,
    private readonly dtype: Dtype,
    private readonly place: ModelPlace,
    private readonly hub: HubOptions,
    private readonly options: PullOptions,
  ) {
    const seconds = Number(hub.env.HF_HUB_DOWNLOAD_TIMEOUT || undefined)
    this.io = { ...NODE_IO, ...(seconds > 0 && { timeoutMs: 1000 * seconds }), ...options.io }
    this.signal = options.signal
    this.repository = new Repository(place, id, this.io)
  }

  async run(): Promise<PulledModel> {
    const pulled = await this.pull()
    if (this.thrown) throw this.thrown.error
    return pulled
  }

  private async pull(): Promise<PulledModel> {
    try {
      // Outside the lock: a cache that holds everything may be read-only.
      const plan = await this.recordedPlan()
      if (plan?.missing.length === 0) {
        if (await this.repository.shows(plan.present, plan.commit, this.signal)) {
          // Only to move a record that lies where it was before; where that may not be written, it holds there.
          await this.record(plan.commit, plan.present, { io: this.io, signal: this.signal }).catch(() => {})
          return this.result(plan.commit, plan.present, 0)
        }
      } else if (isTrue(this.hub.env.HF_HUB_OFFLINE)) throw offlineError(this.id, this.place)
      const { io, signal, options } = this
      const lock: LockOptions = { io, signal, onWait: who => this.tell(options.onWait, who) }
      return await withLock(this.repository.lock, lock, () => this.bring(lock))
    } catch (error) {
      await this.repository.tidyLocks()
      if (this.signal?.aborted) throw abortError(this.signal)
      const unreachable = isOpDbusError(error, 'DOWNLOAD') && error.details.why === 'unreachable'
      throw unreachable ? unreachableError(error, this.id, this.place) : error
    }
  }

  private async bring(lock: LockOptions): Promise<PulledModel> {
    const fetched: RecordedFile[] = []
    try {
      // Asked again: another process may have brought it while we waited.
      const plan = (await this.recordedPlan()) ?? (await this.listedPlan())
      await this.repository.prepare()
      const downloaded = await this.fetch(plan, fetched)
      const files = [...plan.present, ...fetched]
      // Shown only when all are here, so that whoever looks for the model finds it whole or not at all.
      for (const file of files) await this.repository.show(file, plan.commit, this.signal)
      if (plan.isMain || !(await this.repository.hasMain())) await this.repository.setMain(plan.commit)
      await this.record(plan.commit, files, lock)
      await removePartials(this.repository.blobs)
      return this.result(plan.commit, files, downloaded)
    } catch (error) {
      // Small files of a model that cannot serve are of no use to a later try.
      await this.repository.withdraw(isOpDbusError(error, 'UNSUPPORTED_MODEL') ? fetched : [])
      throw error
    }
  }

  /** Brings what is missing into `fetched`, the small files first; returns the bytes that came over the network. */
  private async fetch({ commit, present, missing, lockFile }: Plan, fetched: RecordedFile[]): Promise<number> {
    const { id, place, options, how } = this
    const { blobs } = this.repository
    await this.checkRoom(missing)
    const total = totalBytes(missing)
    let before = 0
    let downloaded = 0
    const weights = missing.find(file => !isSmallFile(file.path))
    for (const file of [...missing].sort((a, b) => Number(isSmallFile(b.path)) - Number(isSmallFile(a.path)))) {
      if (file === weights) {
        await checkSmallFiles(id, [...present, ...fetched], small => this.repository.text(small, commit))
      }
      const site = await this.site()
      const about = { model: this.name, from: site.endpoint, into: place.dir, file: file.path, total }
      const onBytes = (bytes: number) => this.tell(options.onProgress, { ...about, done: before + bytes })
      const got = await fetchBlob({ ...how, site, id, commit, file, blobs, lockFile, onBytes })
      fetched.push({ ...file, sha256: got.sha256 })
      before += file.bytes
      downloaded += got.downloaded
    }
    return downloaded
  }

  /** Before a large download: a disk that fills on the way has cost the user the wait. */
  private async checkRoom(missing: readonly HubFile[]): Promise<void> {
    let needed = 0
    for (const file of missing) {
      needed += file.bytes - ((await longestPartial(this.repository.blobs, file))?.size ?? 0)
    }
    if (needed < ROOM_BYTES) return
    const { dir } = this.place
    const free = await this.io.free(dir).catch(() => undefined)
    if (free !== undefined && free < needed) throw noRoomError(this.id, dir, needed, free)
  }

  private get how(): Retrying {
    const { io, signal, options } = this
    return { io, signal, onRetry: retry => this.tell(options.onRetry, retry) }
  }

  /** The download is not to blame for its listener: it ends first, then the call rejects with what that threw. */
  private tell<T>(listener: ((about: T) => void) | undefined, about: T): void {
    if (this.thrown) return
    try {
      listener?.(about)
    } catch (error) {
      this.thrown = { error }
    }
  }

  /** By what was recorded; undefined where that has nothing for this dtype, or is to be left behind. */
  private async recordedPlan(): Promise<Plan | undefined> {
    const record = this.options.update ? undefined : await recordOf(this.place, this.id)
    const files = record && recordedFiles(this.id, record, this.dtype)
    if (!files) return undefined
    const { commit } = record
    return { commit, isMain: false, lockFile: record.lockFile, ...(await this.look(files, commit)) }
  }

  /** By what the hub lists: at the recorded commit, if there is one, else what it calls `main`. */
  private async listedPlan(): Promise<Plan> {
    const record = this.options.update ? undefined : await recordOf(this.place, this.id)
    const site = await this.site()
    const listing = await fetchListing(site, this.id, record?.commit ?? 'main', this.how)
    if (!listing) throw this.unknown(record, site)
    if (record) checkListing(this.id, record, listing)
    const { commit } = listing
    const files = await this.look(neededOf(this.id, listing, this.dtype, site), commit)
    return { commit, isMain: !record, lockFile: undefined, ...files }
  }

  private async look(files: readonly HubFile[], commit: string): Promise<Pick<Plan, 'present' | 'missing'>> {
    const present: RecordedFile[] = []
    const missing: HubFile[] = []
    for (const file of files) {
      const sha256 = await this.repository.verified(file, commit, this.signal)
      if (sha256 === undefined) missing.push(file)
      else present.push({ ...file, sha256 })
    }
    return { present, missing }
  }

  /** Adds to what is recorded of this commit; another commit takes its place. */
  private async record(commit: string, files: readonly RecordedFile[], lock: LockOptions): Promise<void> {
    const before = await recordOf(this.place, this.id)
    const others = (before?.commit === commit ? before.files : []).filter(
      old => !files.some(file => file.path === old.path),
    )
    await writeRecord(this.place, this.id, { commit, files: [...others, ...files] }, { ...lock, onWait: undefined })
  }

  /** Read when first needed: a model that is here needs neither endpoint nor token. */
  private async site(): Promise<HubSite> {
    this.opened ??= await hubSite(this.hub)
    return this.opened
  }

  private result(commit: string, recorded: readonly RecordedFile[], downloaded: number): PulledModel {
    const files = recorded.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 }))
    return { id: this.id, commit, path: this.repository.snapshot(commit), bytes: totalBytes(files), downloaded, files }
  }

  private unknown(record: Recorded | undefined, { endpoint }: HubSite): OpDbusError {
    const { id } = this
    const { host } = new URL(endpoint)
    if (!record) {
      return new OpDbusError('MODEL_NOT_FOUND', `${host} has no model ${JSON.stringify(id)}`, { details: { id } })
    }
    const { commit } = record
    return goneError(host, `commit ${commit.slice(0, 12)}`, id, commit, record.lockFile)
  }
}

/** Less than this is not worth a look at the disk's free space, which may be wrong by as much. */
const ROOM_BYTES = 2 ** 20

/** The files to fetch of those that the hub lists. Says so where it is the list that lacks something, not the model. */
function neededOf(id: string, { files, unstated }: Listing, dtype: Dtype, { endpoint }: HubSite): HubFile[] {
  try {
    return neededFiles(id, files, dtype)
  } catch (error) {
    const whole = [...files, ...unstated.map(path => ({ path, bytes: 0, blob: '' }))]
    if (unstated.length === 0 || !isComplete(id, whole, dtype)) throw error
    throw refusal(
      [
        `${new URL(endpoint).host} lists the files of ${id} without sizes or hashes (${unstated[0]} is one of ${unstated.length})`,
        'nothing that it sends could be verified, so nothing was fetched',
        'take another hub (HF_ENDPOINT): this one answers as if it had not been asked for them (?blobs=true)',
      ].join('\n'),
      'integrity',
      { id, unstated: unstated.slice(0, 20) },
    )
  }
}

function isComplete(id: string, files: readonly HubFile[], dtype: Dtype): boolean {
  try {
    return neededFiles(id, files, dtype).length > 0
  } catch {
    return false
  }
}

/** The recorded files that this dtype needs; undefined where its ONNX file was never pulled. */
function recordedFiles(id: string, { files }: RecordedModel, dtype: Dtype): RecordedFile[] | undefined {
  try {
    const needed = neededFiles(id, files, dtype)
    return files.filter(file => needed.includes(file))
  } catch (error) {
    if (isOpDbusError(error, 'UNSUPPORTED_MODEL')) return undefined
    throw error
  }
}

/** The hub must list, at the recorded commit, what was recorded of it. */
function checkListing(id: string, record: Recorded, listing: Listing): void {
  const same = (a: HubFile, b: HubFile) => a.path === b.path && a.bytes === b.bytes && a.blob === b.blob
  const other = record.files.find(file => !listing.files.some(stated => same(stated, file)))
  if (listing.commit === record.commit && !other) return
  const what = other ? `${other.path} differs` : `it answers with commit ${listing.commit.slice(0, 12)}`
  throw refusal(
    `the hub's ${id} is not what ${record.lockFile} records of commit ${record.commit.slice(0, 12)}: ${what}\n${moveOn(id)}`,
    'integrity',
    { id, commit: record.commit },
  )
}
