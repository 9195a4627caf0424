// Pulls one model from the hub into the Hugging Face cache: which files, under one lock, verified, recorded. Loads no model.

import { abortError, isOpDbusError, messageOf, OpDbusError } from '../../errors.js'
import type { Call } from '../../ports.js'
import { type Dtype, knownModel } from '../model/table.js'
import { type HubOptions, isPath, type ModelPlace, modelPlaces, repositoryName } from './cache.js'
import { fetchBlob, removePartials } from './fetch.js'
import { fetchListing } from './fetch-listing.js'
import { type HubSite, hubSite, isTrue } from './http.js'
import { type HubIo, NODE_IO } from './io.js'
import type { Listing } from './listing.js'
import { type LockOptions, withLock } from './lock.js'
import { isHubId } from './names.js'
import { type RecordedFile, type RecordedModel, recordOf, writeRecord } from './record.js'
import { refusal } from './refusal.js'
import { type HubFile, neededFiles, totalBytes } from './select.js'
import { Repository } from './store.js'

/** Bytes over all files that are fetched. */
export interface PullProgress {
  readonly file: string
  readonly done: number
  readonly total: number
}

export interface PullOptions extends Call {
  readonly onProgress?: ((progress: PullProgress) => void) | undefined
  /** Called once when another process is pulling the same model and this one waits; `who` is for people. */
  readonly onWait?: ((who: string) => void) | undefined
  /** Take what the hub has now, and record that. Default: the commit that was recorded. */
  readonly update?: boolean | undefined
  /** Which weights. Default: those of the level, else fp32. */
  readonly dtype?: Dtype | undefined
  /** For tests: time, chance and the disk. */
  readonly io?: Partial<HubIo> | undefined
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
 * UNSUPPORTED_MODEL (no ONNX file of that dtype, no tokenizer), STORE, INVALID_INPUT or ABORTED. Nothing that was not
 * verified ever lies under its final name.
 */
export async function pullModel(name: string, hub: HubOptions, options: PullOptions = {}): Promise<PulledModel> {
  const known = knownModel(name)
  const id = known?.hubId ?? name
  if (name === 'builtin') throw new OpDbusError('INVALID_INPUT', 'the built-in model comes with the package')
  if (isPath(name) || !isHubId(id)) {
    throw new OpDbusError('INVALID_INPUT', `${JSON.stringify(name)} is neither a level nor the id of a model on a hub`)
  }
  return new Pull(id, options.dtype ?? known?.dtype ?? 'fp32', hub, options).run()
}

class Pull {
  private readonly place: ModelPlace
  private readonly io: HubIo
  private readonly signal: AbortSignal | undefined
  private readonly repository: Repository
  private opened: HubSite | undefined

  constructor(
    private readonly id: string,
    private readonly dtype: Dtype,
    private readonly hub: HubOptions,
    private readonly options: PullOptions,
  ) {
    this.place = modelPlaces(hub)[0]
    this.io = { ...NODE_IO, ...options.io }
    this.signal = options.signal
    this.repository = new Repository(this.place, id, this.io)
  }

  async run(): Promise<PulledModel> {
    try {
      // Outside the lock: a cache that holds everything may be read-only.
      const plan = await this.recordedPlan()
      if (plan?.missing.length === 0) {
        if (await this.repository.shows(plan.present, plan.commit)) return this.result(plan.commit, plan.present, 0)
      } else if (isTrue(this.hub.env.HF_HUB_OFFLINE)) throw this.offline()
      const { io, signal, options } = this
      const lock: LockOptions = { io, signal, onWait: options.onWait }
      return await withLock(this.repository.lock, lock, () => this.bring(lock))
    } catch (error) {
      if (this.signal?.aborted) throw abortError(this.signal)
      throw isOpDbusError(error, 'DOWNLOAD') && error.details.why === 'unreachable' ? this.unreachable(error) : error
    }
  }

  private async bring(lock: LockOptions): Promise<PulledModel> {
    await this.repository.prepare()
    // Asked again: another process may have brought it while we waited.
    const plan = (await this.recordedPlan()) ?? (await this.listedPlan())
    const { fetched, downloaded } = await this.fetch(plan)
    const files = [...plan.present, ...fetched]
    // Shown only when all are here, so that whoever looks for the model finds it whole or not at all.
    for (const file of files) await this.repository.show(file, plan.commit, this.signal)
    if (plan.isMain || !(await this.repository.hasMain())) await this.repository.setMain(plan.commit)
    await this.record(plan.commit, files, lock)
    await removePartials(this.repository.blobs)
    return this.result(plan.commit, files, downloaded)
  }

  private async fetch({ commit, missing }: Plan): Promise<{ fetched: RecordedFile[]; downloaded: number }> {
    const { id, io, signal, options } = this
    const total = totalBytes(missing)
    const fetched: RecordedFile[] = []
    let before = 0
    let downloaded = 0
    for (const file of missing) {
      const onBytes = (bytes: number) => options.onProgress?.({ file: file.path, done: before + bytes, total })
      const site = await this.site()
      const got = await fetchBlob({ site, id, commit, file, blobs: this.repository.blobs, io, signal, onBytes })
      fetched.push({ ...file, sha256: got.sha256 })
      before += file.bytes
      downloaded += got.downloaded
    }
    return { fetched, downloaded }
  }

  /** By what was recorded; undefined where that has nothing for this dtype, or is to be left behind. */
  private async recordedPlan(): Promise<Plan | undefined> {
    const record = this.options.update ? undefined : await recordOf(this.place, this.id)
    const files = record && recordedFiles(this.id, record, this.dtype)
    return files && { commit: record.commit, isMain: false, ...(await this.look(files, record.commit)) }
  }

  /** By what the hub lists: at the recorded commit, if there is one, else what it calls `main`. */
  private async listedPlan(): Promise<Plan> {
    const record = this.options.update ? undefined : await recordOf(this.place, this.id)
    const site = await this.site()
    const listing = await fetchListing(site, this.id, record?.commit ?? 'main', this.io, this.signal)
    if (!listing) throw this.unknown(record, site)
    if (record) checkListing(this.id, record, listing)
    const { commit, files } = listing
    return { commit, isMain: !record, ...(await this.look(neededFiles(this.id, files, this.dtype), commit)) }
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

  private unknown(record: RecordedModel | undefined, { endpoint }: HubSite): OpDbusError {
    const { id } = this
    const { host } = new URL(endpoint)
    if (!record) {
      return new OpDbusError('MODEL_NOT_FOUND', `${host} has no model ${JSON.stringify(id)}`, { details: { id } })
    }
    return refusal(
      `${host} has no commit ${record.commit.slice(0, 12)} of ${id}, which ${this.place.lockFile} records\n${MOVE_ON}`,
      'refused',
      { id, commit: record.commit },
    )
  }

  private offline(): OpDbusError {
    const { id, place } = this
    return refusal(
      `${id} is not complete in ${place.dir}, and nothing is fetched offline (HF_HUB_OFFLINE, --offline)\n${this.byHand()}`,
      'offline',
      { id, folder: place.dir },
    )
  }

  private unreachable(error: OpDbusError): OpDbusError {
    const lines = [messageOf(error).split('\n')[0], this.byHand(), 'from a mirror: set HF_ENDPOINT']
    const details = { ...error.details, id: this.id, folder: this.place.dir }
    return new OpDbusError('DOWNLOAD', lines.join('\n'), { cause: error, details })
  }

  private byHand(): string {
    const { dir } = this.place
    return `without a network: copy ${repositoryName(this.id)} from another machine's cache into ${dir}, or give a folder as the model`
  }
}

const MOVE_ON = 'to take what it has now: op-dbus models pull --update'

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
function checkListing(id: string, record: RecordedModel, listing: Listing): void {
  const same = (a: HubFile, b: HubFile) => a.path === b.path && a.bytes === b.bytes && a.blob === b.blob
  const other = record.files.find(file => !listing.files.some(stated => same(stated, file)))
  if (listing.commit === record.commit && !other) return
  const what = other ? `${other.path} differs` : `it answers with commit ${listing.commit.slice(0, 12)}`
  throw refusal(
    `the hub's ${id} is not what was recorded of commit ${record.commit.slice(0, 12)}: ${what}\n${MOVE_ON}`,
    'integrity',
    { id, commit: record.commit },
  )
}
