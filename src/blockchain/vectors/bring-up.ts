// Brings the vectors of one space up to the chain: in order of blocks, in batches, by one process at a time. Delays no append and searches nothing.
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import type { EmbeddingCache } from '../../caches/embedding-cache.js'
import { BatchError, type ErrorCode, type FailedItem, isOpDbusError, messageOf, throwIfAborted } from '../../errors.js'
import type { Warn } from '../../ports.js'
import type { Block } from '../block.js'
import type { BlockReader, BlockStore } from '../ports.js'
import { sound } from '../sound.js'
import type { SpaceRecord, VectorReader, VectorWriter } from '../store/vector-files.js'
import type { VectorFolder } from '../store/vector-folder.js'
import { type Entry, type State, unit } from './format.js'

/** Texts that are embedded together, and whose vectors are made durable together. */
const BATCH = 256
/** Blocks, or records, that are looked at in one piece: a batch syncs, and that is in the way of who appends. */
const LOOKED_AT = 4096

/** What says that nothing can be embedded now, rather than that a text is at fault. */
const NOT_THE_TEXT: readonly ErrorCode[] = [
  'ABORTED',
  'CLOSED',
  'DEVICE_UNAVAILABLE',
  'DISABLED',
  'DOWNLOAD',
  'MODEL_NOT_FOUND',
  'OVERLOADED',
  'STORE',
  'UNSUPPORTED_MODEL',
]

/** How often the embedder is lost with a text alone in hand, until it is that text's fault. */
const LOSSES = 2

/** What the chain asks of the embedding cache. */
export type Embeddings = Pick<EmbeddingCache, 'compute' | 'computing' | 'embedMany' | 'getOrEmbed'>

export interface BringUpParts {
  readonly store: BlockStore
  readonly embeddings: Embeddings
  readonly folder: VectorFolder
  readonly warn: Warn
  /** Blocks that have been looked at, of all. */
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * Returns when every block that there was at the call, and has a text, has its vector in the space that computes now; then the vectors of
 * other spaces are removed. What is appended meanwhile is for the next call: a batch of each such block would sync with each append.
 * @throws OpDbusError ABORTED; what the embedder throws where it computes nothing now; STORE, CHAIN_DAMAGED
 */
export async function bringUp(parts: BringUpParts, signal: AbortSignal): Promise<void> {
  const { store, embeddings, folder } = parts
  const record = await embeddings.computing({ signal })
  const size = store.size()
  if (isUpToDate(folder, store, record)) return
  await writing(parts, record, signal, async writer => {
    await fitToChain(writer, parts)
    while (await addBatch(writer, parts, size, signal)) {
      parts.onProgress?.(writer.seal().next, store.size())
      await yieldToEventLoop()
    }
    for (const { space } of folder.spaces()) if (space !== record.space) folder.remove(space)
  })
}

/** Runs `work` while no other process writes vectors. @throws OpDbusError ABORTED, STORE, and what `work` throws */
export async function writing<T>(
  { folder, warn }: Pick<BringUpParts, 'folder' | 'warn'>,
  record: SpaceRecord,
  signal: AbortSignal | undefined,
  work: (writer: VectorWriter) => Promise<T>,
): Promise<T> {
  const release = await folder.lock(signal)
  try {
    for (const dir of folder.unreadable()) {
      warn(`what made the vectors in ${dir} cannot be read: they are made anew`, undefined, `space ${dir}`)
      folder.removeUnreadable(dir)
    }
    const writer = await folder.write(record)
    try {
      if (writer.damage !== undefined) warn(`${writer.damage}: they are made anew`, undefined, writer.damage)
      return await work(writer)
    } finally {
      await writer.end()
    }
  } finally {
    await release()
  }
}

/** A look without the lock, so that a search of what is complete waits for nobody. */
function isUpToDate(folder: VectorFolder, store: BlockStore, { space }: SpaceRecord): boolean {
  const size = store.size()
  const spaces = folder.spaces()
  if (size === 0 && spaces.length === 0) return true
  if (spaces.some(other => other.space !== space) || folder.unreadable().length > 0) return false
  const files = folder.open(space)
  if (files === undefined) return false
  try {
    const { next, rewrites } = files.seal()
    return next === size && rewrites === store.rewrites() && fits(files, files.seal().records - 1, store)
  } finally {
    files.close()
  }
}

/**
 * Drops what is not of this chain: it was restored, or written anew. Each block's hash covers the one before, so where one is the same all
 * before it are.
 */
async function fitToChain(writer: VectorWriter, { store, folder, warn }: BringUpParts): Promise<void> {
  const { records, next, rewrites } = writer.seal()
  const now = store.rewrites()
  let [good, bad] = [0, records + 1]
  if (fits(writer, records - 1, store)) good = records
  else {
    while (bad - good > 1) {
      const middle = (good + bad) >> 1
      if (fits(writer, middle - 1, store)) good = middle
      else bad = middle
    }
  }
  if (good < records) {
    if (writer.floatsAt(good) === undefined)
      warn(
        `vectors of blocks were damaged on the disk (${folder.dir}): they are made anew`,
        undefined,
        `damage ${good}`,
      )
    await writer.cut(good)
  }
  if (rewrites !== now || next > store.size()) {
    const kept = (await sweep(writer, store)) ? writer.seal().records : 0
    await writer.cut(kept, now)
  }
}

/** Whether the record at `place` is of a block of this chain. */
function fits(files: VectorReader, place: number, store: BlockReader): boolean {
  if (place < 0) return true
  const record = files.floatsAt(place)
  if (record === undefined || record.number >= store.size()) return false
  return store.read(record.number)?.hash === record.hash
}

/**
 * Looks at every block that has a record: vectors of those that were pruned are taken out. False where a restore brought bodies back whose
 * vectors were taken out before.
 */
async function sweep(writer: VectorWriter, store: BlockReader): Promise<boolean> {
  const { records } = writer.seal()
  const { format } = writer
  const gone = new Set<number>()
  for (let place = 0; place < records; place += LOOKED_AT) {
    const bytes = writer.readScan(place, Math.min(LOOKED_AT, records - place))
    const states = new Map<number, State>()
    for (let at = 0; at < bytes.length; at += format.scanBytes) {
      const record = format.readScan(bytes.subarray(at, at + format.scanBytes))
      if (record !== undefined) states.set(record.number, record.state)
    }
    const numbers = [...states.keys()]
    for await (const blocks of store.scan(numbers[0] ?? 0, (numbers.at(-1) ?? -1) + 1)) {
      for (const { number, body } of blocks) {
        const state = states.get(number)
        if (state === 'forgotten' && body !== undefined) return false
        if (state !== undefined && state !== 'forgotten' && body === undefined) gone.add(number)
      }
    }
    await yieldToEventLoop()
  }
  await writer.forget(gone)
  return true
}

/** False where there was nothing to add before block `size`. */
async function addBatch(
  writer: VectorWriter,
  parts: BringUpParts,
  size: number,
  signal: AbortSignal,
): Promise<boolean> {
  throwIfAborted(signal)
  const { store, warn } = parts
  const { next } = writer.seal()
  const most = Math.min(next + LOOKED_AT, size, store.size())
  if (next >= most) return false
  const rewrites = store.rewrites()
  const blocks: Block[] = []
  let end = next
  for await (const piece of store.scan(next, most)) {
    for (const block of piece) {
      if (blocks.length === BATCH) break
      end = block.number + 1
      if (block.body?.text) blocks.push(block)
    }
    if (blocks.length === BATCH) break
  }
  const outcomes = await embedSound(parts.embeddings, blocks, signal)
  // Its body may have been pruned while it was embedded: then it is read once more.
  if (store.rewrites() !== rewrites) return true
  const entries = blocks.map((block, i): Entry => {
    const outcome = outcomes[i]!
    if (outcome instanceof Float32Array) return { block, vector: outcome }
    const about = `vector ${block.hash}`
    const why = `search by meaning does not find block ${block.number}: ${messageOf(outcome.error)}`
    warn(why, outcome.error, about)
    return { block, vector: outcome.isDamage ? 'damaged' : 'refused' }
  })
  await writer.append(entries, end, rewrites)
  return true
}

/**
 * Makes the vectors of those of `numbers` that were damaged when their turn came and are sound again: a line was put back, or restored.
 * Returns how many there are. @throws OpDbusError ABORTED, STORE, what the embedder throws
 */
export async function embedAgain(
  parts: BringUpParts,
  record: SpaceRecord,
  numbers: readonly number[],
  signal: AbortSignal,
): Promise<number> {
  const { store, embeddings } = parts
  const rewrites = store.rewrites()
  const blocks = numbers.flatMap(number => soundAt(store, number) ?? [])
  if (blocks.length === 0) return 0
  const outcomes = await embedSound(embeddings, blocks, signal)
  return writing(parts, record, signal, async writer => {
    // Otherwise one may have been pruned: the next search asks again.
    if (store.rewrites() !== rewrites || writer.seal().rewrites !== rewrites) return 0
    const entries = blocks.map((block, i): Entry => {
      const outcome = outcomes[i]!
      return { block, vector: outcome instanceof Float32Array ? outcome : 'refused' }
    })
    await writer.fill(entries)
    return entries.length
  })
}

/** Undefined where it has no text, or is not what was written. */
export function soundAt(store: BlockReader, number: number): Block | undefined {
  try {
    const block = sound(store.read(number))
    return block?.body?.text ? block : undefined
  } catch (error) {
    if (isOpDbusError(error, 'CHAIN_DAMAGED')) return undefined
    throw error
  }
}

/** The vectors of blocks whose bodies are what was written. A damaged one is refused, and told. */
async function embedSound(
  embeddings: Embeddings,
  blocks: readonly Block[],
  signal: AbortSignal,
): Promise<(Float32Array | Refusal)[]> {
  const damage = blocks.map(faultOf)
  const texts = blocks.flatMap(({ body }, i) => (damage[i] === undefined ? [body!.text] : []))
  const outcomes = await embedAll(embeddings, texts, signal)
  let next = 0
  return damage.map(fault => fault ?? outcomes[next++]!)
}

function faultOf(block: Block): Refusal | undefined {
  try {
    sound(block)
    return undefined
  } catch (error) {
    return { error, isDamage: true }
  }
}

/** Why a text was refused. */
interface Refusal {
  readonly error: unknown
  /** It is not the text that was written. */
  readonly isDamage?: boolean
}

/** A vector of length 1 for each text, or why the text was refused. @throws what stands in the way of all of them */
async function embedAll(
  embeddings: Embeddings,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<(Float32Array | Refusal)[]> {
  if (texts.length === 0) return []
  try {
    const { matrix, dims } = await embeddings.embedMany(texts, { signal })
    return texts.map((_, row) => unit(matrix.subarray(row * dims, (row + 1) * dims)))
  } catch (error) {
    if (!(error instanceof BatchError)) throw error
    return embedOthers(embeddings, texts, error.failed, signal)
  }
}

/**
 * A text that fails in company may be at fault or not: each is asked for alone, and refused only where the embedder still computes another.
 * @throws what stands in the way of all of them
 */
async function embedOthers(
  embeddings: Embeddings,
  texts: readonly string[],
  failed: readonly FailedItem[],
  signal: AbortSignal,
): Promise<(Float32Array | Refusal)[]> {
  const alone = new Map<number, Float32Array | Refusal>()
  let computes = false
  for (const { index, error } of failed) {
    if (isNotTheText(error)) throw error
    const outcome = await embedAlone(embeddings, texts[index]!, signal)
    if (!(outcome instanceof Float32Array)) {
      if (!computes && !(await isComputing(embeddings, signal))) throw outcome.error
      computes = true
    }
    alone.set(index, outcome)
  }
  const others = await embedAll(
    embeddings,
    texts.filter((_, i) => !alone.has(i)),
    signal,
  )
  let next = 0
  return texts.map((_, i) => alone.get(i) ?? others[next++]!)
}

/** @throws what stands in the way of every text */
async function embedAlone(embeddings: Embeddings, text: string, signal: AbortSignal): Promise<Float32Array | Refusal> {
  for (let losses = 1; ; losses++) {
    try {
      return unit((await embeddings.getOrEmbed(text, { signal })).vector)
    } catch (error) {
      if (isNotTheText(error)) throw error
      // Another may have killed it the first time.
      if (!isOpDbusError(error, 'WORKER_LOST') || losses === LOSSES) return { error }
    }
  }
}

function isNotTheText(error: unknown): boolean {
  return isOpDbusError(error) && NOT_THE_TEXT.includes(error.code)
}

/** Whether another text is embedded. */
async function isComputing(embeddings: Embeddings, signal: AbortSignal): Promise<boolean> {
  return embeddings.compute(['is anybody there'], { signal }).then(
    () => true,
    () => false,
  )
}
