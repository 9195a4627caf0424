// A file without a name, for rows that are collected before they can be written where they belong.
import { type FileHandle, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBeside } from '../../fs/replace.js'

const CHUNK = 1 << 20

/** Lies beside `path` where that is given and its folder takes it, otherwise in the folder for temporary files. Only its owner reads it. */
export async function createSpool(path?: string): Promise<FileHandle> {
  const temporary = join(tmpdir(), 'op-dbus')
  const { file, path: name } = await createBeside(path ?? temporary, 0o600).catch(error => {
    if (path === undefined) throw error
    return createBeside(temporary, 0o600)
  })
  // It goes with its last descriptor, however this process ends.
  await rm(name, { force: true }).catch(() => {})
  return file
}

/** Rows on their way into a file that nobody reads yet: written in large pieces. */
export class Rows {
  #pieces: Uint8Array[] = []
  #bytes = 0

  constructor(readonly file: FileHandle) {}

  async append(data: string | Uint8Array): Promise<void> {
    const piece = typeof data === 'string' ? Buffer.from(data) : data
    this.#pieces.push(piece)
    this.#bytes += piece.length
    if (this.#bytes >= CHUNK) await this.flush()
  }

  async rewrite(start: Uint8Array): Promise<void> {
    await this.flush()
    await writeAll(this.file, start, 0)
  }

  async flush(): Promise<void> {
    const pieces = this.#pieces
    this.#pieces = []
    this.#bytes = 0
    if (pieces.length > 0) await this.file.appendFile(Buffer.concat(pieces))
  }
}

/** The bytes of `file`, from its first one on. */
export async function* bytesOf(file: FileHandle, from = 0, to = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.allocUnsafe(CHUNK)
  for (let at = from; at < to; ) {
    const { bytesRead } = await file.read(chunk, 0, Math.min(CHUNK, to - at), at)
    if (bytesRead === 0) return
    yield chunk.subarray(0, bytesRead)
    at += bytesRead
  }
}

/** Bytes `start` to `end` (not included) to the same place in another file. */
export async function copyRange(from: FileHandle, to: FileHandle, start: number, end: number): Promise<void> {
  let at = start
  for await (const chunk of bytesOf(from, start, end)) {
    await writeAll(to, chunk, at)
    at += chunk.length
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten
  }
}
