// Puts what a page needs into a public folder: worker, ONNX Runtime's WebAssembly, built-in model. Part of the Node root;
// overwrites nothing that it did not put there. Its twin, web/assets.ts, finds the files there.
import { createHash } from 'node:crypto'
import { lstat, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ASSETS_MANIFEST, type AssetsManifest } from '../assets-manifest.js'
import { abortError, messageOf, OpDbusError } from '../errors.js'
import { errnoOf, inWords } from '../fs/errno.js'
import { makeFolder } from '../fs/folders.js'
import { replaceWith, takeOn } from '../fs/replace.js'
import { signalOf } from '../realms.js'
import { ownFolder, resolveDependency } from './own-files.js'

/** ONNX Runtime's files come from its own package. */
const RUNTIME = 'ort/'

/** A file as it lies in the folder now. */
export interface CopiedAsset {
  /** Relative to the folder. */
  readonly path: string
  readonly bytes: number
  /** False: it was there already, byte by byte. */
  readonly written: boolean
}

export interface CopyAssetsOptions {
  /** Overwrites files that are not ours, too. Links are never followed. */
  readonly force?: boolean
  readonly signal?: AbortSignal
}

/**
 * Copies every file that a page needs to `dir`, which is made if it is missing, and removes those that an earlier version
 * has put there and this one has not. A page finds them with `openCaches({ assetsUrl })`.
 * Rejects with INVALID_INPUT where `dir` is no folder, or a file of somebody else's is in the way (then nothing was changed),
 * with STORE for what the disk says (`details.errno`).
 */
export async function copyAssets(dir: string, options: CopyAssetsOptions = {}): Promise<readonly CopiedAsset[]> {
  const signal = signalOf(options)
  const folder = resolve(dir)
  const source = ownFolder()
  const text = await onDisk(() => readFile(join(source, ASSETS_MANIFEST), 'utf8'), join(source, ASSETS_MANIFEST))
  const { files } = JSON.parse(text) as AssetsManifest
  await mustBeFolder(folder)
  const before = await earlier(folder)
  const wanted = Object.entries(files)
  const there = new Map<string, boolean>()
  // All are looked at before the first is written: half a set of files helps nobody.
  for (const [path, { sha256 }] of wanted) {
    there.set(path, await isThere(folder, path, sha256, before.files[path]?.sha256, options.force === true))
  }
  await isThere(folder, ASSETS_MANIFEST, digest(text), digest(before.text), options.force === true)

  const copied: CopiedAsset[] = []
  for (const [path, { bytes, sha256 }] of wanted) {
    if (signal?.aborted) throw abortError(signal)
    const written = !there.get(path)
    if (written) await put(join(folder, path), await contentOf(source, path, sha256))
    copied.push({ path, bytes, written })
  }
  for (const [path, { sha256 }] of Object.entries(before.files)) {
    if (files[path] === undefined && (await digestAt(join(folder, path))) === sha256) await rm(join(folder, path))
  }
  await put(join(folder, ASSETS_MANIFEST), Buffer.from(text))
  return copied
}

/** `folder`, or where it is missing what it would be made in. */
async function mustBeFolder(folder: string): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    const info = await stat(at).catch(() => undefined)
    if (info && !info.isDirectory()) throw inTheWay(at, 'is no folder')
    if (info || at === dirname(at)) return
  }
}

/** What an earlier call put into `folder`. A manifest that is none of ours names nothing. */
async function earlier(folder: string): Promise<{ text: string; files: AssetsManifest['files'] }> {
  try {
    const text = await readFile(join(folder, ASSETS_MANIFEST), 'utf8')
    const { version, package: of, files } = JSON.parse(text) as Partial<AssetsManifest>
    if (version !== 1 || typeof of !== 'string') return { text: '', files: {} }
    const safe = Object.entries(files ?? {}).filter(([path]) =>
      path.split('/').every(part => /^[\w-][\w.-]*$/.test(part)),
    )
    return { text, files: Object.fromEntries(safe) }
  } catch {
    return { text: '', files: {} }
  }
}

/** True where `path` holds the wanted bytes already, false where it may be written; INVALID_INPUT where it may not. */
async function isThere(folder: string, path: string, wanted: string, ours: string | undefined, force: boolean) {
  const full = join(folder, path)
  for (let at = dirname(full); at.length >= folder.length; at = dirname(at)) {
    const info = await lstat(at).catch(() => undefined)
    if (info && !info.isDirectory() && at !== folder) throw inTheWay(at, 'is no folder')
  }
  const info = await lstat(full).catch(() => undefined)
  if (!info) return false
  if (!info.isFile()) throw inTheWay(full, 'is no plain file')
  const found = await digestAt(full)
  if (found === wanted) return true
  if (found === ours || force) return false
  throw inTheWay(full, 'is there and is not of op-dbus', '\nchoose another folder, or overwrite it: --force')
}

async function contentOf(source: string, path: string, sha256: string): Promise<Buffer> {
  const runtime = path.startsWith(RUNTIME)
  const file = runtime ? runtimeFile(path.slice(RUNTIME.length)) : join(source, path)
  const bytes = await onDisk(() => readFile(file), file)
  if (digest(bytes) === sha256) return bytes
  const why = runtime
    ? 'is not of the version of onnxruntime-web that this package was built with'
    : 'is not as this package was published'
  throw new OpDbusError('STORE', `${file} ${why}\ninstall op-dbus again`, { details: { file } })
}

function runtimeFile(name: string): string {
  try {
    return resolveDependency(`onnxruntime-web/${name}`)
  } catch (error) {
    throw new OpDbusError('STORE', `onnxruntime-web is not installed here: ${messageOf(error).split('\n')[0]}`, {
      cause: error,
    })
  }
}

/** A reader sees the old bytes or the new ones. What is replaced hands on its mode, and its owner where that is allowed. */
async function put(path: string, content: Buffer): Promise<void> {
  await onDisk(async () => {
    makeFolder(dirname(path), 0o777)
    await replaceWith(path, 0o666, async file => {
      const before = await lstat(path).catch(() => undefined)
      if (before) await takeOn(file, before)
      await file.writeFile(content)
    })
  }, path)
}

async function digestAt(path: string): Promise<string | undefined> {
  return readFile(path).then(digest, () => undefined)
}

function digest(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex')
}

async function onDisk<T>(run: () => Promise<T>, file: string): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw new OpDbusError('STORE', `${file}: ${inWords(error)}`, {
      cause: error,
      details: { file, errno: errnoOf(error) ?? '' },
    })
  }
}

function inTheWay(file: string, what: string, next = '\nchoose another folder'): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `${file} ${what}; nothing was copied${next}`, { details: { file } })
}
