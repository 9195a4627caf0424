// A file that the CLI writes: beside its path first, under its name only when it is whole. Knows no format.
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { messageOf, OpDbusError } from '../errors.js'

/** `path` keeps what it held until `finish`, and keeps it for good when that never comes. */
export class OutputFile {
  private constructor(
    readonly path: string,
    private readonly temporary: string,
    private readonly file: FileHandle,
  ) {}

  /** @throws OpDbusError STORE where no file can be written; said before anything is computed */
  static async open(path: string): Promise<OutputFile> {
    const temporary = `${path}.${process.pid}.tmp`
    return onDisk(path, async () => {
      if ((await stat(path).catch(() => undefined))?.isDirectory()) throw new Error('it is a folder')
      return new OutputFile(path, temporary, await open(temporary, 'wx', 0o666))
    })
  }

  append(data: string | Uint8Array): Promise<void> {
    return onDisk(this.path, () => this.file.appendFile(data))
  }

  /** Writes over the first bytes. */
  rewrite(start: Uint8Array): Promise<void> {
    return onDisk(this.path, async () => void (await this.file.write(start, 0, start.length, 0)))
  }

  async finish(): Promise<void> {
    await onDisk(this.path, async () => {
      await this.file.close()
      await rename(this.temporary, this.path)
    })
  }

  /** Leaves nothing behind. */
  async abandon(): Promise<void> {
    await this.file.close().catch(() => {})
    await rm(this.temporary, { force: true }).catch(() => {})
  }
}

async function onDisk<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw new OpDbusError('STORE', `cannot write ${path}: ${messageOf(error)}`, { cause: error })
  }
}
