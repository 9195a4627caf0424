// What a download takes from its surroundings, so that tests can turn time, chance and the disk, and how the disk's refusals
// are told. Holds no state.
import { randomBytes } from 'node:crypto'
import { type FileHandle, statfs, symlink } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { messageOf, OpDbusError } from '../errors.js'
import { DENIED, errnoOf } from '../fs/errno.js'
import { acquireMutex, type MutexIo, type MutexOptions } from '../fs/mutex.js'

export interface HubIo extends MutexIo {
  /** From 0 up to 1. */
  random(): number
  write(file: FileHandle, bytes: Uint8Array, position: number): Promise<void>
  symlink(target: string, path: string): Promise<void>
  /** Bytes that we may still write where `path` lies; undefined where the system does not say. */
  free(path: string): Promise<number | undefined>
  /** Silence after which a connection is given up, ms. HF_HUB_DOWNLOAD_TIMEOUT sets another. */
  readonly timeoutMs: number
}

export const NODE_IO: HubIo = {
  sleep: (ms, signal) => wait(ms, undefined, signal && { signal }),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  id: () => randomBytes(4).toString('hex'),
  async write(file, bytes, position) {
    for (let done = 0; done < bytes.length; ) {
      done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten
    }
  },
  symlink: (target, path) => symlink(target, path),
  async free(path) {
    const { bavail, bsize, blocks } = await statfs(path)
    // Some network and memory file systems count no blocks at all.
    return blocks > 0 ? bavail * bsize : undefined
  },
  // Six tries make a minute; huggingface_hub waits 10 s.
  timeoutMs: 8_000,
}

const MAKE_ROOM = '\nthe disk is full: make room, or set OP_DBUS_MODEL_DIR'
const MOVE = '\nset OP_DBUS_MODEL_DIR (or HF_HOME, for all tools) to a folder that may be written'

/** What may help, by what the disk said. */
const NEXT_STEPS: Readonly<Record<string, string>> = {
  ENOSPC: MAKE_ROOM,
  EDQUOT: MAKE_ROOM,
  EACCES: MOVE,
  EPERM: MOVE,
  EROFS: MOVE,
  [DENIED]: "\nNode's permission model does not allow it: --allow-fs-write=FOLDER does",
}

/** Runs what touches the disk; what the disk says is thrown as a STORE error. */
export async function onDisk<T>(path: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    const errno = errnoOf(error)
    if (error instanceof OpDbusError || errno === undefined) throw error
    throw new OpDbusError('STORE', `cannot write ${path}: ${messageOf(error)}${NEXT_STEPS[errno] ?? ''}`, {
      cause: error,
      details: { file: path, errno },
    })
  }
}

/** Runs `run` while no other process runs under `path`, a file below `options.below`. Rejects with STORE, ABORTED, or as `run` does. */
export async function withMutex<T>(path: string, options: MutexOptions, run: () => Promise<T>): Promise<T> {
  const release = await onDisk(path, () => acquireMutex(path, options))
  try {
    return await run()
  } finally {
    await release()
  }
}
