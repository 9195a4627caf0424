// What many tests need: a clock that only moves when told, the digests of the Node root, temporary folders.
import { createHash, randomBytes } from 'node:crypto'
import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 as zlibCrc32 } from 'node:zlib'
import { expect } from 'vitest'
import type { Clock, Crc32, Hash } from '../src/ports.js'

/** Both clocks stand still until `advance`; the wall clock can also be set. */
export class TestClock implements Clock {
  wall = 1_700_000_000_000
  mono = 1_000

  now(): number {
    return this.wall
  }

  monotonic(): number {
    return this.mono
  }

  advance(ms: number): void {
    this.wall += ms
    this.mono += ms
  }
}

export const hash: Hash = {
  sha256: text => createHash('sha256').update(text).digest('hex'),
  random: bytes => randomBytes(bytes).toString('hex'),
}

export const crc32: Crc32 = (bytes, seed = 0) => zlibCrc32(bytes, seed)

/** A new empty folder; whoever asks removes it. */
export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'op-dbus-test-'))
}

/** A new empty folder that goes away after the test. */
export function temporaryFolder(): string {
  const dir = newFolder()
  folders.push(dir)
  return dir
}

/**
 * A new empty folder that goes away after the test, in memory where the system has such a place with room. For tests that write
 * durably thousands of times, which on a disk means waiting; that a write outlives a loss of power is nothing that a test sees.
 */
export function memoryFolder(): string {
  const dir = mkdtempSync(join(memory ?? tmpdir(), 'op-dbus-test-'))
  folders.push(dir)
  return dir
}

const memory = (() => {
  try {
    accessSync('/dev/shm', constants.W_OK)
    const { bavail, bsize } = statfsSync('/dev/shm')
    return bavail * bsize > 2 ** 29 ? '/dev/shm' : undefined
  } catch {
    return undefined
  }
})()

const folders: string[] = []

/** Of the test that just ended; test/setup.ts sees to it. */
export function removeFolders(): void {
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true })
}

/** A promise and the handles to settle it. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

/** Equal bytes, told apart quickly: toEqual on 70,000 bytes is slow. */
export function expectBytes(actual: Uint8Array | undefined, expected: Uint8Array): void {
  if (actual !== undefined && Buffer.compare(actual, expected) === 0) return
  expect(actual).toEqual(expected)
}
