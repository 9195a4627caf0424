// Pulls one model from the hub into the Hugging Face cache: which files, under one mutex, verified, recorded. Opens no model.
import type { ModelFolder } from '../embedder/model/folder.js'
import { readSettings } from '../embedder/model/spec.js'
import { type Dtype, knownModel } from '../embedder/model/table.js'
import { abortError, isOpDbusError, OpDbusError } from '../errors.js'
import type { CallOptions } from '../ports.js'
import { goneError, noRoomError, offlineError, type Retry, unreachableError } from './error-messages.js'
import { fetchBlob, fetchListing, longestPartial, removePartials } from './fetch.js'
import { type HubSite, hubSite, isTrue, type Retrying } from './http.js'
import { type HubIo, NODE_IO, withMutex } from './io.js'
import { type HubFile, isSmallFile, neededOf, totalBytes } from './listing.js'
import { checkListing, type Recorded, type RecordedFile, recordedFiles, recordOf, writeRecord } from './lockfile.js'
import { isHubId } from './names.js'
import { type HubOptions, isPath, type ModelPlace, placeFor } from './places.js'
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
export interface PullOptions extends CallOptions {
  readonly onProgress?: (progress: PullProgress) => void
  /** Called once when another process is pulling the same model and this one waits; `who` is for people. */
  readonly onWait?: (who: string) => void
  /** Called before each wait for another try, after one that broke off. */
  readonly onRetry?: (retry: Retry) => void
  /** Take what the hub has now, and record that. Default: the commit that was recorded. */
  readonly update?: boolean
  /** Which weights. Default: those of the level, else fp32. */
  readonly dtype?: Dtype
  /** For tests: time, chance and the disk. @internal */
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

/** Less than this is not worth a look at the disk's free space, which may be wrong by as much. */
const ROOM_BYTES = 2 ** 20

/**
 * Brings the model `name` (a level or a hub id) to this machine: the small files of its configuration and tokenizer, and
 * one ONNX file. The first pull records commit and hashes in a lockfile; a later one brings exactly those bytes, or
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
  readonly #name: string
  readonly #id: string
  readonly #dtype: Dtype
  readonly #place: ModelPlace
  readonly #hub: HubOptions
  readonly #options: PullOptions
  readonly #io: HubIo
  readonly #signal: AbortSignal | undefined
  readonly #repository: Repository
  #opened: HubSite | undefined
  /** What a listener of the caller's threw. */
  #thrown: { readonly error: unknown } | undefined

  constructor(name: string, id: string, dtype: Dtype, place: ModelPlace, hub: HubOptions, options: PullOptions) {
    this.#name = name
    this.#id = id
    this.#dtype = dtype
    this.#place = place
    this.#hub = hub
    this.#options = options
    this.#signal = options.signal
    const seconds = Number(hub.env.HF_HUB_DOWNLOAD_TIMEOUT || undefined)
    this.#io = { ...NODE_IO, ...(seconds > 0 && { timeoutMs: 1000 * seconds }), ...options.io }
    this.#repository = new Repository(place, id, this.#io)
  }

  async run(): Promise<PulledModel> {
    const pulled = await this.#pull()
    if (this.#thrown) throw this.#thrown.error
    return pulled
  }

  async #pull(): Promise<PulledModel> {
    try {
      // Without the mutex: a cache that holds everything may be read-only.
      const plan = await this.#recordedPlan()
      if (plan?.missing.length === 0) {
        if (await this.#repository.shows(plan.present, plan.commit, this.#signal)) {
          // Only to move a record that lies where it was before; where that may not be written, it holds there.
          await this.#record(plan.commit, plan.present).catch(() => {})
          return this.#result(plan.commit, plan.present, 0)
        }
      } else if (isTrue(this.#hub.env.HF_HUB_OFFLINE)) throw offlineError(this.#id, this.#place.dir)
      const { onWait } = this.#options
      const mutex = { below: this.#place.dir, ...this.#how, onWait: (who: string) => this.#tell(onWait, who) }
      return await withMutex(this.#repository.mutex, mutex, () => this.#bring())
    } catch (error) {
      await this.#repository.tidyLocks()
      if (this.#signal?.aborted) throw abortError(this.#signal)
      const unreachable = isOpDbusError(error, 'DOWNLOAD') && error.details.why === 'unreachable'
      throw unreachable ? unreachableError(error, this.#id, this.#place.dir) : error
    }
  }

  async #bring(): Promise<PulledModel> {
    const fetched: RecordedFile[] = []
    try {
      // Asked again: another process may have brought it while we waited.
      const plan = (await this.#recordedPlan()) ?? (await this.#listedPlan())
      await this.#repository.prepare()
      const downloaded = await this.#fetch(plan, fetched)
      const files = [...plan.present, ...fetched]
      // Shown only when all are here, so that whoever looks for the model finds it whole or not at all.
      for (const file of files) await this.#repository.show(file, plan.commit, this.#signal)
      if (plan.isMain || !(await this.#repository.hasMain())) await this.#repository.setMain(plan.commit)
      await this.#record(plan.commit, files)
      await removePartials(this.#repository.blobs)
      return this.#result(plan.commit, files, downloaded)
    } catch (error) {
      // Small files of a model that cannot serve are of no use to a later try.
      await this.#repository.withdraw(isOpDbusError(error, 'UNSUPPORTED_MODEL') ? fetched : [])
      throw error
    }
  }

  /** Brings what is missing into `fetched`, the small files first; returns the bytes that came over the network. */
  async #fetch({ commit, present, missing, lockFile }: Plan, fetched: RecordedFile[]): Promise<number> {
    const [id, how] = [this.#id, this.#how]
    const { blobs } = this.#repository
    await this.#checkRoom(missing)
    const total = totalBytes(missing)
    let before = 0
    let downloaded = 0
    const weights = missing.find(file => !isSmallFile(file.path))
    for (const file of [...missing].sort((a, b) => Number(isSmallFile(b.path)) - Number(isSmallFile(a.path)))) {
      if (file === weights) {
        await checkSmallFiles(id, [...present, ...fetched], small => this.#repository.text(small, commit))
      }
      const site = await this.#site()
      const about = { model: this.#name, from: site.endpoint, into: this.#place.dir, file: file.path, total }
      const onBytes = (bytes: number) => this.#tell(this.#options.onProgress, { ...about, done: before + bytes })
      const got = await fetchBlob({ ...how, site, id, commit, file, blobs, lockFile, onBytes })
      fetched.push({ ...file, sha256: got.sha256 })
      before += file.bytes
      downloaded += got.downloaded
    }
    return downloaded
  }

  /** Before a large download: a disk that fills on the way has cost the user the wait. */
  async #checkRoom(missing: readonly HubFile[]): Promise<void> {
    let needed = 0
    for (const file of missing) {
      needed += file.bytes - ((await longestPartial(this.#repository.blobs, file))?.size ?? 0)
    }
    if (needed < ROOM_BYTES) return
    const { dir } = this.#place
    const free = await this.#io.free(dir).catch(() => undefined)
    if (free !== undefined && free < needed) throw noRoomError(this.#id, dir, needed, free)
  }

  get #how(): Retrying {
    return { io: this.#io, signal: this.#signal, onRetry: retry => this.#tell(this.#options.onRetry, retry) }
  }

  /** The download is not to blame for its listener: it ends first, then the call rejects with what that threw. */
  #tell<T>(listener: ((about: T) => void) | undefined, about: T): void {
    if (this.#thrown) return
    try {
      listener?.(about)
    } catch (error) {
      this.#thrown = { error }
    }
  }

  /** By what was recorded; undefined where that has nothing for this dtype, or is to be left behind. */
  async #recordedPlan(): Promise<Plan | undefined> {
    const record = this.#options.update ? undefined : await recordOf(this.#place, this.#id)
    const files = record && recordedFiles(this.#id, record, this.#dtype)
    if (!files) return undefined
    const { commit } = record
    return { commit, isMain: false, lockFile: record.lockFile, ...(await this.#look(files, commit)) }
  }

  /** By what the hub lists: at the recorded commit, if there is one, else what it calls `main`. */
  async #listedPlan(): Promise<Plan> {
    const record = this.#options.update ? undefined : await recordOf(this.#place, this.#id)
    const site = await this.#site()
    const listing = await fetchListing(site, this.#id, record?.commit ?? 'main', this.#how)
    if (!listing) throw this.#unknown(record, site)
    if (record) checkListing(this.#id, record, listing)
    const { commit } = listing
    const files = await this.#look(neededOf(this.#id, listing, this.#dtype, site.endpoint), commit)
    return { commit, isMain: !record, lockFile: undefined, ...files }
  }

  async #look(files: readonly HubFile[], commit: string): Promise<Pick<Plan, 'present' | 'missing'>> {
    const present: RecordedFile[] = []
    const missing: HubFile[] = []
    for (const file of files) {
      const sha256 = await this.#repository.verified(file, commit, this.#signal)
      if (sha256 === undefined) missing.push(file)
      else present.push({ ...file, sha256 })
    }
    return { present, missing }
  }

  /** Adds to what is recorded of this commit; another commit takes its place. */
  async #record(commit: string, files: readonly RecordedFile[]): Promise<void> {
    const before = await recordOf(this.#place, this.#id)
    const others = (before?.commit === commit ? before.files : []).filter(
      old => !files.some(file => file.path === old.path),
    )
    await writeRecord(this.#place, this.#id, { commit, files: [...others, ...files] }, this.#how)
  }

  /** Read when first needed: a model that is here needs neither endpoint nor token. */
  async #site(): Promise<HubSite> {
    this.#opened ??= await hubSite(this.#hub)
    return this.#opened
  }

  #result(commit: string, recorded: readonly RecordedFile[], downloaded: number): PulledModel {
    const files = recorded.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 }))
    return {
      id: this.#id,
      commit,
      path: this.#repository.snapshot(commit),
      bytes: totalBytes(files),
      downloaded,
      files,
    }
  }

  #unknown(record: Recorded | undefined, { endpoint }: HubSite): OpDbusError {
    const id = this.#id
    const { host } = new URL(endpoint)
    if (!record) {
      return new OpDbusError('MODEL_NOT_FOUND', `${host} has no model ${JSON.stringify(id)}`, { details: { id } })
    }
    const { commit } = record
    return goneError(host, `commit ${commit.slice(0, 12)}`, id, commit, record.lockFile)
  }
}

/**
 * Reads configuration and tokenizer of `id` as an embedder would. Rejects with UNSUPPORTED_MODEL for what would be
 * refused once the weights are here. A model whose files do not say how it pools passes: who uses it may say so.
 */
async function checkSmallFiles(
  id: string,
  files: readonly RecordedFile[],
  read: (file: RecordedFile) => Promise<string>,
): Promise<void> {
  const named = (path: string) => files.find(file => file.path === path)
  const text = async (path: string) => {
    const file = named(path)
    return file && (await read(file))
  }
  const folder: ModelFolder = {
    id,
    text,
    async digest(path) {
      const file = named(path)
      return file && { path, sha256: file.sha256, stamp: '', dynamic: false }
    },
    onnxFiles: async () => [],
  }
  const settings = await readSettings(folder, {
    maxTokens: knownModel(id)?.maxTokens,
    pooling: named('modules.json') ? undefined : 'mean',
  })
  const { tokenizerOf } = await import('../embedder/tokenizer/load-tokenizer.js')
  await tokenizerOf({ id, ...settings }, async ({ path }) => (await text(path)) ?? '')
}
