// Snapshots on the disk: a folder each, with the segments and a manifest that is written last. What is being made, or was left half made,
// bears a name that no snapshot has. Checks what it reads; knows no chain that is in use.
import { createHash, randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { canonicalJson } from '../../cache/canonical-json.js'
import { readSmall, statOf } from '../../fs/files.js'
import { isFolder, namesIn } from '../../fs/folders.js'
import { moveTo, replaceWith } from '../../fs/replace.js'
import { makeDurableFolder, type Segment, syncFolder } from './layout.js'
import { beginFolder, OWNER, removeLeft } from './left-folders.js'
import { cutBehind, lookAt, sha256Of, takeFiles } from './segment-copies.js'

const MANIFEST = 'manifest.json'
const DRAFT = /^\.making-[0-9a-f]{16}$/
const MOST_BYTES = 64 << 20

/** A segment in a snapshot. */
export interface SnapshotFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

/** What a snapshot says of itself. */
export interface Manifest {
  readonly 'op-dbus': 'snapshot'
  readonly version: 1
  /** ISO 8601. */
  readonly created: string
  /** Blocks. */
  readonly size: number
  /** Of the last block. */
  readonly hash: string
  /** In the order of their blocks. */
  readonly files: readonly SnapshotFile[]
  /** What was wrong with the chain when it was kept: it is kept as it was, and never restored. */
  readonly fault?: string
  /** Of everything else, as RFC 8785. */
  readonly sha256: string
}

export class SnapshotFolder {
  readonly dir: string

  constructor(dir: string) {
    this.dir = dir
  }

  /** Whatever has a name that a snapshot may have. @throws Error of the file system */
  names(): string[] {
    return namesIn(this.dir)
      .filter(name => !name.startsWith('.') && isFolder(join(this.dir, name)))
      .sort()
  }

  has(name: string): boolean {
    return statOf(join(this.dir, name)) !== undefined
  }

  /** What a snapshot says of itself, or why it cannot be trusted, by its manifest and the sizes of its files; with `full` by every byte. */
  async read(name: string, full: boolean): Promise<Manifest | string> {
    const dir = join(this.dir, name)
    const text = isFolder(join(dir, 'timing')) ? readSmall(join(dir, MANIFEST), MOST_BYTES) : undefined
    if (text === undefined) return 'it has no manifest: it was not finished'
    const manifest = manifestIn(text)
    if (manifest === undefined) return 'its manifest is not what was written'
    if (manifest.fault !== undefined) return `the chain was damaged when it was kept: ${manifest.fault}`
    for (const { name: file, bytes, sha256 } of manifest.files) {
      const path = join(dir, 'timing', file)
      const stats = statOf(path)
      if (!stats?.isFile()) return `its file ${file} is missing`
      if (stats.size !== bytes) return `its file ${file} has ${stats.size} bytes instead of ${bytes}`
      if (full && (await sha256Of(path)) !== sha256) return `its file ${file} is not what was written`
    }
    return manifest
  }

  /** Bytes of the segments that are there. */
  bytesOf(name: string): number {
    const timing = join(this.dir, name, 'timing')
    return namesIn(timing).reduce((sum, file) => sum + (statOf(join(timing, file))?.size ?? 0), 0)
  }

  segmentsOf(name: string, { files }: Manifest): Segment[] {
    return files.map(({ name: file }) => ({
      first: Number.parseInt(file, 10),
      path: join(this.dir, name, 'timing', file),
    }))
  }

  /** Begins another, and removes what processes that died have left. */
  async begin(): Promise<SnapshotDraft> {
    makeDurableFolder(this.dir)
    await removeLeft(this.dir, DRAFT)
    return new SnapshotDraft(await beginFolder(this.dir, `.making-${freshId()}`), this.dir)
  }

  /** Its manifest goes first, so that half of a snapshot is none. */
  async remove(name: string): Promise<void> {
    const dir = join(this.dir, name)
    await rm(join(dir, MANIFEST), { force: true })
    syncFolder(dir)
    await rm(dir, { recursive: true, force: true })
    syncFolder(this.dir)
  }
}

/** Sixteen hexadecimal digits that nobody else has. */
export function freshId(): string {
  return randomBytes(8).toString('hex')
}

/** A snapshot that has no name yet. */
export class SnapshotDraft {
  readonly #dir: string
  readonly #parent: string
  #segments: readonly Segment[] = []

  constructor(dir: string, parent: string) {
    this.#dir = dir
    this.#parent = parent
  }

  /** Where its segments are. */
  get timing(): string {
    return join(this.#dir, 'timing')
  }

  /** For whoever holds the chain: nothing is appended meanwhile. */
  async take(segments: readonly Segment[]): Promise<void> {
    this.#segments = segments
    await takeFiles(segments, this.timing)
  }

  /**
   * Looks at what was taken, and writes down what it is. `size`: how many blocks were acknowledged, behind which everything is cut off;
   * undefined where a damaged chain cannot say it. `known`: what is wrong with it, where somebody has looked.
   */
  async describe(size: number | undefined, created: string, known?: string): Promise<Manifest> {
    const { timing } = this
    const files: SnapshotFile[] = []
    let [count, hash] = [0, '']
    let fault = known
    for (const [index, { first, path }] of this.#segments.entries()) {
      const name = basename(path)
      const copy = join(timing, name)
      if (first !== count) fault ??= `block ${count} is missing`
      const isLast = index === this.#segments.length - 1
      if (size !== undefined && isLast) await cutBehind(copy, size - first)
      const { lines, bytes, sha256, last } = await lookAt(copy)
      if (bytes === 0 && isLast && first === count) {
        // Begun by an append that came to nothing: it holds no block yet.
        await rm(copy)
        continue
      }
      files.push({ name, bytes, sha256 })
      count = first + lines
      hash = last?.hash ?? ''
      if (last?.number !== count - 1) fault ??= `block ${count - 1} is not what was written`
    }
    if (size !== undefined && count !== size) fault ??= `there are ${count} blocks of ${size}`
    const content: Omit<Manifest, 'sha256'> = {
      'op-dbus': 'snapshot',
      version: 1,
      created,
      size: count,
      hash,
      files,
      ...(fault !== undefined && { fault }),
    }
    const manifest = { ...content, sha256: digestOf(content) }
    syncFolder(timing)
    await replaceWith(join(this.#dir, MANIFEST), 0o600, file =>
      file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`),
    )
    return manifest
  }

  /** Gives it its name, which has to be free: from then on it is a snapshot. @throws Error of the file system where the name is taken */
  async name(name: string): Promise<void> {
    await rm(join(this.#dir, OWNER), { force: true })
    syncFolder(this.#dir)
    await moveTo(join(this.#parent, name), this.#dir)
  }

  async discard(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true }).catch(() => {})
  }
}

function digestOf(content: Omit<Manifest, 'sha256'>): string {
  return createHash('sha256').update(canonicalJson(content)).digest('hex')
}

/** Undefined for what is none of ours. */
function manifestIn(text: string): Manifest | undefined {
  try {
    const manifest = JSON.parse(text) as Manifest
    const { sha256, ...content } = manifest
    const sound = content['op-dbus'] === 'snapshot' && content.version === 1 && digestOf(content) === sha256
    // Names lead nowhere else.
    return sound && manifest.files.every(({ name }) => /^\d{12}\.jsonl$/.test(name)) ? manifest : undefined
  } catch {
    return undefined
  }
}
