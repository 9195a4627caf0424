// Lets one build of this folder run at a time: two `npm ci` at once would empty node_modules under each other's feet. Only Node.
//
// @ts-check
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const POLL_MS = 200

/**
 * Runs `work` while no other process holds the lock file, which holds the number of the process that does. A holder that
 * died without a word is noticed.
 *
 * @template T
 * @param {string} lock
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function oneAtATime(lock, work) {
  mkdirSync(dirname(lock), { recursive: true })
  let told = false
  while (!take(lock)) {
    const holder = holderOf(lock)
    if (holder !== undefined && !isAlive(holder)) {
      removeIfOf(lock, holder)
      continue
    }
    if (!told && holder !== undefined) console.error(`waiting for another build of this folder (process ${holder}) ...`)
    told = true
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
  const release = () => rmSync(lock, { force: true })
  process.on('exit', release)
  try {
    return await work()
  } finally {
    process.off('exit', release)
    release()
  }
}

/** A link is made whole or not at all: nobody reads a lock without its number. @param {string} lock */
function take(lock) {
  const own = `${lock}.${process.pid}`
  writeFileSync(own, `${process.pid}`)
  try {
    linkSync(own, lock)
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(own, { force: true })
  }
}

/** @param {string} lock @returns {number | undefined} */
function holderOf(lock) {
  try {
    return Number(readFileSync(lock, 'utf8'))
  } catch {
    return undefined
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

/** Another waiter may have taken over meanwhile: its lock is put back. @param {string} lock @param {number} holder */
function removeIfOf(lock, holder) {
  const aside = `${lock}.${process.pid}.dead`
  try {
    renameSync(lock, aside)
  } catch {
    return
  }
  if (holderOf(aside) !== holder) {
    try {
      linkSync(aside, lock)
    } catch {
      // Taken once more by then.
    }
  }
  rmSync(aside, { force: true })
}
