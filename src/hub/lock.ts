// A lock between processes: a file that its owner touches while it works, and that others take over when he is gone.

import { readFileSync, readlinkSync } from 'node:fs'
import { lstat, lutimes, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname } from 'node:path'
import { abortError, OpDbusError } from '../errors.js'
import { makeFolder, unlessAbsent } from './files.js'
import { errnoOf, type HubIo, onDisk } from './io.js'

export interface LockOptions {
  readonly io: HubIo
  readonly signal: AbortSignal | undefined
  /** Called once when another process holds the lock; `who` is for people. */
  readonly onWait?: (who: string) => void
}

const BEAT_MS = 2_000
const WAIT_MS = 100
/** An owner whom we cannot look up (another host or container) has gone when his lock was not touched for so long. */
const STALE_MS = 60_000

interface Owner {
  readonly pid: number
  /** Where that pid means something: boot, pid namespace and host. */
  readonly place: string
  readonly id: string
}

/**
 * Runs `run` while no other process runs under `path`. A lock guards against double work, not against wrong bytes: a
 * process that was suspended for a minute may find itself overtaken, so what `run` writes must be safe without it.
 * Rejects with ABORTED while waiting, with STORE where no lock can be made, or as `run` does.
 */
export async function withLock<T>(path: string, options: LockOptions, run: () => Promise<T>): Promise<T> {
  const { io } = options
  const own = JSON.stringify({ pid: process.pid, place: placeOfPids(), id: io.id() } satisfies Owner)
  await refuseLinks(path)
  await onDisk(path, () => makeFolder(dirname(path), 0o777))
  await acquire(path, own, options)
  const beat = setInterval(() => {
    const now = new Date()
    lutimes(path, now, now).catch(() => {})
  }, BEAT_MS)
  beat.unref()
  try {
    return await run()
  } finally {
    clearInterval(beat)
    // Not ours any more where somebody took it over.
    if ((await read(path).catch(() => undefined))?.text === own) await rm(path, { force: true }).catch(() => {})
  }
}

/** The folders of locks are ours to make: a link in their place would have us write elsewhere. */
async function refuseLinks(path: string): Promise<void> {
  for (let dir = dirname(path); /^(\.locks$|models--)/.test(basename(dir)); dir = dirname(dir)) {
    if ((await unlessAbsent(dir, full => lstat(full)))?.isSymbolicLink()) {
      throw new OpDbusError('STORE', `${dir} is a link\nnothing is written through it: remove it and try again`)
    }
  }
}

async function acquire(path: string, own: string, { io, signal, onWait }: LockOptions): Promise<void> {
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
    if (isGone(owner) || silent >= STALE_MS) {
      if (await onDisk(path, () => takeOver(path, held.text, own, silent >= 2 * STALE_MS))) continue
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
  return onDisk(path, () =>
    writeFile(path, text, { flag: 'wx' }).then(
      () => true,
      error => {
        if (errnoOf(error) === 'EEXIST') return false
        // Whoever was here before us tidied the folder away when he had done.
        if (errnoOf(error) === 'ENOENT') return makeFolder(dirname(path), 0o777).then(() => false)
        throw error
      },
    ),
  )
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
 * Removes the lock that was judged dead; false where that is for another to do. Who does it holds a second file meanwhile
 * and looks again under it, so that nobody removes a lock that was taken since. `patient`: that file is dead as well.
 */
async function takeOver(path: string, judged: string, own: string, patient: boolean): Promise<boolean> {
  const guard = `${path}.taking`
  if (!(await create(guard, own))) {
    const other = await read(guard)
    if (other && (patient || isGone(ownerOf(other.text)))) await rm(guard, { force: true })
    return false
  }
  try {
    if ((await read(path))?.text === judged) await rm(path, { force: true })
    return true
  } finally {
    await rm(guard, { force: true })
  }
}

function ownerOf(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Owner
    return Number.isSafeInteger(owner?.pid) && owner.pid > 0 ? owner : undefined
  } catch {
    // Not written yet, or not by us: then its age decides.
    return undefined
  }
}

/** True only where we can know: his pid counts in the same place as ours, and nobody has it. */
function isGone(owner: Owner | undefined): boolean {
  if (owner?.place !== placeOfPids()) return false
  try {
    process.kill(owner.pid, 0)
    return false
  } catch (error) {
    return errnoOf(error) === 'ESRCH'
  }
}

function placeOfPids(): string {
  const word = (read: () => string) => {
    try {
      return read().trim()
    } catch {
      return ''
    }
  }
  const boot = word(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'))
  const namespace = word(() => readlinkSync('/proc/self/ns/pid'))
  return [boot, namespace, hostname()].join(' ')
}
