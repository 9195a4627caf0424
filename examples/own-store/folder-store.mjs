// A store of one's own: bytes under keys, each in a file of a folder that several machines mount. It is what a shared tier needs and no
// more: no time limits and no retries, since the cache in front of it has both. It never touches a file that is not its own.
//
// A store over Redis, S3 or a database has the same seven methods. `storeContract` of `op-dbus/testing` tells whether they do what they
// must: see test/examples/own-store.test.ts.
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const KEY = /^[a-z0-9_-][a-z0-9._-]{0,99}$/
const OURS = '.op-dbus-entry'
const UNFINISHED = '.op-dbus-unfinished'

/** @typedef {import('op-dbus').Store} Store */
/** @typedef {import('op-dbus').Key} Key */

/** @implements {Store} */
export class FolderStore {
  name = 'folder'
  #dir
  #closed = false
  /** @type {Promise<unknown>} */
  #last = Promise.resolve()

  /** @param {string} dir */
  constructor(dir) {
    this.#dir = dir
  }

  /**
   * One answer for each key, in their order; undefined for what is not there.
   * @type {Store['getMany']}
   */
  async getMany(keys, call) {
    const paths = keys.map(key => this.#path(key))
    return this.#next(call, () => Promise.all(paths.map(path => orAbsent(readFile(path)).then(ownBytes))))
  }

  /**
   * A file gets its name when it is whole, so that nobody ever reads half of one. The bytes are copied before anything is awaited.
   * @type {Store['setMany']}
   */
  async setMany(items, call) {
    const latest = new Map(items.map(([key, bytes]) => [this.#path(key), bytes.slice()]))
    await this.#next(call, async () => {
      await mkdir(this.#dir, { recursive: true })
      const writes = [...latest].map(async ([path, bytes]) => {
        const unfinished = join(this.#dir, `${randomUUID()}${UNFINISHED}`)
        await writeFile(unfinished, bytes)
        await rename(unfinished, path)
      })
      await Promise.all(writes)
    })
  }

  /**
   * How many of the keys were there.
   * @type {Store['deleteMany']}
   */
  async deleteMany(keys) {
    const paths = new Set(keys.map(key => this.#path(key)))
    return this.#next({}, async () => {
      const removed = await Promise.all([...paths].map(path => orAbsent(rm(path).then(() => true))))
      return removed.filter(Boolean).length
    })
  }

  /** @type {Store['list']} */
  async *list() {
    for (const name of await this.#next({}, () => this.#names(OURS))) {
      // It may have been removed meanwhile.
      const found = await orAbsent(stat(join(this.#dir, name)))
      if (found) yield { key: /** @type {Key} */ (name.slice(0, -OURS.length)), bytes: found.size }
    }
  }

  /** @type {Store['size']} */
  async size() {
    const size = { entries: 0, bytes: 0 }
    for await (const { bytes } of this.list()) {
      size.entries++
      size.bytes += bytes
    }
    return size
  }

  /** @type {Store['clear']} */
  async clear() {
    await this.#next({}, async () => {
      const names = [...(await this.#names(OURS)), ...(await this.#names(UNFINISHED))]
      await Promise.all(names.map(name => rm(join(this.#dir, name), { force: true })))
    })
  }

  /** @type {Store['close']} */
  async close() {
    this.#closed = true
    await this.#last
  }

  /** @param {string} key */
  #path(key) {
    if (!KEY.test(key)) throw fault('INVALID_INPUT', `not a key: ${key}`)
    return join(this.#dir, key + OURS)
  }

  /** @param {string} ending */
  async #names(ending) {
    const names = (await orAbsent(readdir(this.#dir))) ?? []
    return names.filter(name => name.endsWith(ending))
  }

  /**
   * Calls take turns, in the order in which they were made.
   * @template T
   * @param {{ signal?: AbortSignal } | undefined} call
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async #next(call, work) {
    if (this.#closed) throw fault('CLOSED', 'the store is closed')
    if (call?.signal?.aborted) throw fault('ABORTED', 'the call was aborted')
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }
}

/**
 * @template T
 * @param {Promise<T>} file
 */
async function orAbsent(file) {
  try {
    return await file
  } catch (cause) {
    if (cause.code === 'ENOENT') return undefined
    throw fault('STORE', cause.message, cause)
  }
}

/** @param {Buffer | undefined} bytes */
function ownBytes(bytes) {
  return bytes && new Uint8Array(bytes)
}

/**
 * An error by its code is as good as an OpDbusError.
 * @param {string} code
 * @param {string} message
 * @param {unknown} [cause]
 */
function fault(code, message, cause) {
  return Object.assign(new Error(message, { cause }), { code })
}
