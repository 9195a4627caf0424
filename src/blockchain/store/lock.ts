// The right to append: a file that one process has at a time, whole from its first moment. Who is next has a second file, so that whoever
// holds the first sees that it is wanted, and nobody is passed over for ever. Writes no block.
import * as fs from 'node:fs'
import { abortError, OpDbusError } from '../../errors.js'
import { errnoOf, quietly } from '../../fs/errno.js'
import { createFile, readAt, readSmall, statOf, unlink, writeAt } from '../../fs/files.js'
import {
  isCertainlyAlive,
  isDead,
  isOfEarlierBoot,
  type NamedProcess,
  pidPlace,
  startOf,
} from '../../fs/process-identity.js'

/*
   The rules are those of fs/mutex.ts: a process that is certainly dead has no lock any more; one that nobody here can look up (another
   host or container) has gone when it did not touch its file for a minute; one that certainly lives is waited for, stopped or not.
   Here the file comes by a hard link, so that a process that dies while it takes the lock leaves nothing that nobody can judge.
*/
const BEAT_MS = 2_000
const STALE_MS = 60_000
/** A loss of power leaves a file that says nothing; who makes one where there are no hard links fills it at once. */
const NAMELESS_MS = 1_000
/** What an earlier boot of this host left: five beats, in case another host bears the same name. */
const REBOOT_MS = 10_000
/** For so long a lock that is free is left to who is next. */
const NEXT_MS = 200
const MOST_BYTES = 4096

export interface LockIo {
  /** Rejects when `signal` fires. Keeps the process alive. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Milliseconds from any start. */
  monotonic(): number
  /** Sixteen hexadecimal digits that nobody else has. */
  id(): string
}

interface Owner extends NamedProcess {
  readonly id: string
}

/** Said by file systems without hard links. */
const NO_LINKS: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL']

/** Locks that this thread holds, for its end. */
const held = new Set<WriterLock>()
let watchesExit = false

export class WriterLock {
  #id = ''
  readonly #path: string
  readonly #next: string
  readonly #io: LockIo
  /** What the file says while it is ours. */
  #own = Buffer.alloc(0)
  #beat: NodeJS.Timeout | undefined
  /** The lock itself, held open: the number of a file that is open is given to no other. */
  #file: number | undefined

  constructor(path: string, io: LockIo) {
    this.#path = path
    this.#next = `${path}.next`
    this.#io = io
  }

  /** Of this lease: another one each time. */
  get id(): string {
    return this.#id
  }

  get isHeld(): boolean {
    return this.#beat !== undefined
  }

  /**
   * Waits until nobody else holds it. Its folder is there. @throws OpDbusError ABORTED, STORE where something else is in the way, or what the
   * system says
   */
  async acquire(signal: AbortSignal, onWait: (who: string) => void): Promise<void> {
    this.#id = this.#io.id()
    const { pid } = process
    const owner: Owner = { pid, place: pidPlace(), started: startOf(pid), id: this.#id }
    this.#own = Buffer.from(JSON.stringify(owner))
    let isNext = false
    let seen = { stamp: '', since: 0 }
    let freeSince: number | undefined
    const began = this.#io.monotonic()
    try {
      for (;;) {
        if (signal.aborted) throw abortError(signal)
        const now = this.#io.monotonic()
        const next = isNext ? undefined : this.#look(this.#next)
        const file = next === undefined ? this.#claim(this.#path) : undefined
        if (file !== undefined) return this.#hold(file)
        const other = this.#look(this.#path)
        if (other === undefined) {
          freeSince ??= now
          // Whoever is next would have taken it by now: it is stopped, or not there any more.
          const late = now - freeSince > NEXT_MS || (next?.owner !== undefined && isDead(next.owner))
          if (next !== undefined && late) unlink(this.#next)
        } else {
          freeSince = undefined
          if (other.stamp !== seen.stamp) seen = { stamp: other.stamp, since: now }
          const silent = now - seen.since
          const gone = isGone(other.owner, silent)
          if (gone && this.#breakLock(other.text, silent)) continue
          isNext ||= this.#make(this.#next)
          if (!gone) onWait(other.owner ? `process ${other.owner.pid}` : 'another process')
        }
        await this.#io.sleep(pause(now - began), signal).catch(error => {
          throw signal.aborted ? abortError(signal) : error
        })
      }
    } finally {
      if (isNext) quietly(() => unlink(this.#next))
    }
  }

  /** False once somebody took it over, which they do where we seemed to be gone: looked up before each write. */
  isOurs(): boolean {
    if (this.#file === undefined) return false
    const [there, own] = [statOf(this.#path), fs.fstatSync(this.#file)]
    if (there === undefined || there.ino !== own.ino || there.dev !== own.dev) return false
    // Each append looks twice: no more is read than what was written there.
    if (own.size !== this.#own.length) return false
    const bytes = Buffer.allocUnsafe(own.size)
    return readAt(this.#file, bytes, 0) === own.size && bytes.equals(this.#own)
  }

  /** Whether another process waits for it; a look that fails says no, and whoever waits is waited for a little longer. Never throws. */
  isWanted(): boolean {
    try {
      return statOf(this.#next) !== undefined
    } catch {
      return false
    }
  }

  /** Never throws. */
  release(): void {
    if (!this.isHeld) return
    clearInterval(this.#beat)
    this.#beat = undefined
    held.delete(this)
    quietly(() => {
      if (this.isOurs()) unlink(this.#path)
    })
    const file = this.#file
    this.#file = undefined
    quietly(() => file !== undefined && fs.closeSync(file))
  }

  /** Who holds it as others see it; undefined for nobody, or a process that died. */
  holder(): string | undefined {
    const other = this.#look(this.#path)
    if (other === undefined || (other.owner !== undefined && isDead(other.owner))) return undefined
    return other.owner?.id ?? ''
  }

  /** For whoever holds it: what processes that died have left beside it. */
  tidy(names: readonly string[], dir: string): void {
    for (const name of names) {
      if (!/^lock\..*\.tmp$/.test(name)) continue
      const path = `${dir}/${name}`
      const owner = ownerOf(readSmall(path, MOST_BYTES) ?? '')
      const age = Date.now() - (statOf(path)?.mtimeMs ?? Number.POSITIVE_INFINITY)
      if (owner === undefined ? age > STALE_MS : isDead(owner)) quietly(() => unlink(path))
    }
  }

  #hold(file: number): void {
    this.#file = file
    held.add(this)
    if (!watchesExit) process.on('exit', releaseAll)
    watchesExit = true
    this.#beat = setInterval(() => {
      const now = new Date()
      fs.lutimes(this.#path, now, now, () => {})
    }, BEAT_MS)
    this.#beat.unref()
  }

  /** The file, open, where it was made here; undefined where it is there already. */
  #claim(path: string): number | undefined {
    const temporary = `${path}.${this.id}.tmp`
    unlink(temporary)
    const file = this.#write(temporary)
    try {
      fs.linkSync(temporary, path)
      return file
    } catch (error) {
      fs.closeSync(file)
      if (errnoOf(error) === 'EEXIST') return undefined
      if (!NO_LINKS.includes(errnoOf(error) ?? '')) throw error
    } finally {
      quietly(() => unlink(temporary))
    }
    try {
      return this.#write(path)
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return undefined
      throw error
    }
  }

  /** False where it is there already. */
  #make(path: string): boolean {
    const file = this.#claim(path)
    if (file !== undefined) fs.closeSync(file)
    return file !== undefined
  }

  /** Says whose it is, in a file that must not be there yet. */
  #write(path: string): number {
    const file = createFile(path)
    try {
      writeAt(file, this.#own, 0)
      return file
    } catch (error) {
      fs.closeSync(file)
      quietly(() => unlink(path))
      throw error
    }
  }

  #look(path: string): { text: string; stamp: string; owner: Owner | undefined } | undefined {
    const stats = statOf(path)
    if (stats === undefined) return undefined
    if (!stats.isFile()) throw new OpDbusError('STORE', `${path} is in the way: it is no lock\nremove it`)
    const text = readSmall(path, MOST_BYTES)
    return text === undefined ? undefined : { text, stamp: `${text} ${stats.mtimeMs}`, owner: ownerOf(text) }
  }

  /**
   * Removes the file whose owner was judged gone. Who does it holds another file meanwhile and looks again under it, so that nobody
   * removes a lock that was taken since. False where another process is at it.
   */
  #breakLock(judged: string, silent: number): boolean {
    const guard = `${this.#path}.taking`
    if (!this.#make(guard)) {
      const other = this.#look(guard)
      if (other !== undefined && isGone(other.owner, silent - STALE_MS)) quietly(() => unlink(guard))
      return false
    }
    try {
      if (readSmall(this.#path, MOST_BYTES) === judged) unlink(this.#path)
      return true
    } finally {
      unlink(guard)
    }
  }
}

function releaseAll(): void {
  for (const lock of [...held]) lock.release()
}

/** A short wait is the rule; who waits for a long work looks less often. */
function pause(waited: number): number {
  if (waited < 200) return 1 + Math.random()
  return waited < 5_000 ? 5 : 25
}

/** Undefined for what is not ours, or not written yet: then its age decides. */
function ownerOf(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Owner
    return Number.isSafeInteger(owner?.pid) && owner.pid > 0 && typeof owner.id === 'string' ? owner : undefined
  } catch {
    return undefined
  }
}

/** `silent`: for how many milliseconds it did not touch its file. */
function isGone(owner: Owner | undefined, silent: number): boolean {
  if (owner === undefined) return silent >= NAMELESS_MS
  if (isDead(owner)) return true
  if (silent >= REBOOT_MS && isOfEarlierBoot(owner)) return true
  // A thread of this process that was ended keeps nobody waiting: this process lives, and so would its beat.
  const waits = owner.pid !== process.pid && isCertainlyAlive(owner)
  return silent >= STALE_MS && !waits
}
