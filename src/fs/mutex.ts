// A mutex between processes: a file that its owner touches while it works, and that others take over when the owner is gone.
import { randomBytes } from 'node:crypto'
import { lstat, lutimes, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { abortError, OpDbusError } from '../errors.js'
import { errnoOf } from './errno.js'
import { unlessAbsent } from './files.js'
import { makeFolder } from './folders.js'
import { isCertainlyAlive, isDead, type NamedProcess, pidPlace, startOf } from './process-identity.js'

export interface MutexOptions {
  /** Folders between this one and the file are ours to make; a link in their place is refused. */
  readonly below: string
  readonly io: MutexIo
  readonly signal: AbortSignal | undefined
  /** Called once when another process holds the mutex; `who` is for people. */
  readonly onWait?: ((who: string) => void) | undefined
  /**
   * An owner that certainly lives on this machine is waited for, however long it does nothing (a process that is stopped). Without it,
   * one that did not touch the file for a minute is taken to be gone.
   */
  readonly awaitsTheLiving?: boolean
}

export interface MutexIo {
  /** Rejects when `signal` fires. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>
  /** Milliseconds from any start. */
  monotonic(): number
  /** Eight hex digits that nobody else has. */
  id(): string
}

/** The machine's own. */
export const MACHINE_IO: MutexIo = {
  sleep: (ms, signal) => wait(ms, undefined, { signal }),
  monotonic: () => performance.now(),
  id: () => randomBytes(4).toString('hex'),
}

const BEAT_MS = 2_000
const WAIT_MS = 100
/** An owner whom we cannot look up (another host or container) has gone when the file was not touched for so long. */
const STALE_MS = 60_000

/** What the file holds, as JSON. */
interface Owner extends NamedProcess {
  readonly id: string
}

/**
 * Waits until no other process holds the mutex `path`, and takes it; returns what lets go of it, which never rejects. It guards
 * against double work, not against wrong bytes: a process that was suspended for a minute may find itself overtaken, so what is
 * done under it must be safe without it, unless `awaitsTheLiving` is said.
 * Rejects with ABORTED while waiting, with STORE where something else is in the way, or with what the system says.
 */
export async function acquireMutex(path: string, options: MutexOptions): Promise<() => Promise<void>> {
  const { pid } = process
  const own = JSON.stringify({ pid, place: pidPlace(), started: startOf(pid), id: options.io.id() } satisfies Owner)
  await refuseLinks(path, options.below)
  makeFolder(dirname(path), 0o777)
  await take(path, own, options)
  const beat = setInterval(() => {
    const now = new Date()
    lutimes(path, now, now).catch(() => {})
  }, BEAT_MS)
  beat.unref()
  return async () => {
    clearInterval(beat)
    // Not ours any more where somebody took it over.
    if ((await read(path).catch(() => undefined))?.text === own) await rm(path, { force: true }).catch(() => {})
  }
}

/** A link in place of a folder of ours would have us write elsewhere. */
async function refuseLinks(path: string, below: string): Promise<void> {
  for (let dir = dirname(path); dir !== below && dir !== dirname(dir); dir = dirname(dir)) {
    if ((await unlessAbsent(dir, full => lstat(full)))?.isSymbolicLink()) {
      throw new OpDbusError('STORE', `${dir} is a link\nnothing is written through it: remove it and try again`)
    }
  }
}

async function take(path: string, own: string, { io, signal, onWait, awaitsTheLiving }: MutexOptions): Promise<void> {
  let seen = { stamp: '', since: 0 }
  let told = false
  for (;;) {
    if (signal?.aborted) throw abortError(signal)
    if (await create(path, own)) return
    const held = await read(path)
    if (held === undefined) continue
    if (held.stamp !== seen.stamp) seen = { stamp: held.stamp, since: io.monotonic() }
    const owner = ownerOf(held.text)
    const silent = io.monotonic() - seen.since
    const waits = awaitsTheLiving && owner !== undefined && isCertainlyAlive(owner)
    if (isGone(owner) || (silent >= STALE_MS && !waits)) {
      if (await takeOver(path, held.text, own, silent >= 2 * STALE_MS)) continue
    } else {
      if (!told) onWait?.(owner ? `process ${owner.pid}` : 'another process')
      told = true
    }
    await io.sleep(WAIT_MS, signal).catch(error => {
      throw signal?.aborted ? abortError(signal) : error
    })
  }
}

/** False where the file is there already. */
async function create(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx' })
    return true
  } catch (error) {
    // Whoever was here before us removed the folder, once it was empty.
    if (errnoOf(error) === 'ENOENT') makeFolder(dirname(path), 0o777)
    else if (errnoOf(error) !== 'EEXIST') throw error
    return false
  }
}

async function read(path: string): Promise<{ text: string; stamp: string } | undefined> {
  return unlessAbsent(path, async full => {
    const info = await lstat(full)
    if (!info.isFile()) throw new OpDbusError('STORE', `${path} is in the way: it is no lock\nremove it`)
    const text = await readFile(full, 'utf8')
    return { text, stamp: `${text} ${info.mtimeMs}` }
  })
}

/**
 * Removes the file whose owner was judged dead; false where that is for another to do. Who does it holds a second file meanwhile
 * and looks again under it, so that nobody removes a mutex that was taken since. `patient`: the owner of that file is dead as well.
 */
async function takeOver(path: string, judged: string, own: string, patient: boolean): Promise<boolean> {
  const second = `${path}.taking`
  if (!(await create(second, own))) {
    const other = await read(second)
    if (other && (patient || isGone(ownerOf(other.text)))) await rm(second, { force: true })
    return false
  }
  try {
    if ((await read(path))?.text === judged) await rm(path, { force: true })
    return true
  } finally {
    await rm(second, { force: true })
  }
}

/** Undefined for what is not written yet, or not by us: then its age decides. */
function ownerOf(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Owner
    return Number.isSafeInteger(owner?.pid) && owner.pid > 0 ? owner : undefined
  } catch {
    return undefined
  }
}

function isGone(owner: Owner | undefined): boolean {
  return owner !== undefined && isDead(owner)
}
