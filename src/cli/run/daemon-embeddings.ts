// Vectors for the command line from a running daemon, where it has the very same space: what is on disk is read here, and what is not is asked
// for there, so that no model is loaded for it. Where it does not answer as it should, the caches here do all of it.

import { spaceId } from '../../node/spaces.js'
import type { Caches, EmbeddingResult } from '../../node.js'
import type { CallOptions, Device, Source } from '../../ports.js'
import type { RowsCall } from '../../server/api.js'
import { fromBase64 } from '../../server/vector-text.js'
import type { DaemonClient } from '../daemon-client.js'
import { ANSWER_MS, MOST_UNITS, Portions, TOO_SLOW } from '../portions.js'

type Embeddings = Caches['embeddings']

const SOURCES: readonly Source[] = ['memory', 'disk', 'shared', 'pattern', 'computed']
const DEVICES: readonly Device[] = ['cuda', 'webgpu', 'cpu', 'wasm', 'custom']

interface Waiting {
  /** In which place it was asked for: looking for it here took each its own time. */
  readonly place: number
  readonly text: string
  /** Undefined: ask here. */
  readonly answered: (row: EmbeddingResult | undefined) => void
}

export class DaemonEmbeddings {
  /** Rows of texts with a template: what patterns did there. */
  readonly patterns = { templates: 0, hits: 0 }
  readonly #own: Embeddings
  readonly #open: () => Promise<DaemonClient | undefined>
  readonly #signal: AbortSignal
  readonly #answerMs: number
  readonly #portions = new Portions()
  #opening: Promise<Opened | undefined> | undefined
  #waiting: Waiting[] = []
  #places = 0
  #asking = false

  /** `open`: called with the first text that is not here. `answerMs`: the most that one request may take. */
  constructor(
    own: Embeddings,
    open: () => Promise<DaemonClient | undefined>,
    signal: AbortSignal,
    answerMs: number = ANSWER_MS,
  ) {
    this.#answerMs = answerMs
    this.#own = own
    this.#open = open
    this.#signal = signal
  }

  /** As `getOrEmbed` of the caches. */
  async getOrEmbed(text: string, call: CallOptions): Promise<EmbeddingResult> {
    const place = this.#places++
    if (text.length > MOST_UNITS || (await this.#own.has(text))) return this.#own.getOrEmbed(text, call)
    this.#opening ??= this.#connect()
    const row = await new Promise<EmbeddingResult | undefined>(answered => {
      this.#waiting.push({ place, text, answered })
      if (!this.#asking) setImmediate(() => void this.#askAll())
    })
    return row ?? this.#own.getOrEmbed(text, call)
  }

  async close(): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined)
    opened?.daemon.close()
  }

  async #connect(): Promise<Opened | undefined> {
    const { space, dims } = await this.#own.computing({ signal: this.#signal })
    const daemon = await this.#open()
    return daemon && { daemon, space: spaceId(space), dims }
  }

  /** One request after the other: what comes meanwhile goes with the next. */
  async #askAll(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    try {
      while (this.#waiting.length > 0) {
        this.#waiting.sort((one, other) => one.place - other.place)
        const some = this.#waiting.splice(0, this.#portions.of(this.#waiting.map(({ text }) => text)))
        const rows = await this.#ask(some.map(({ text }) => text)).catch(() => undefined)
        if (rows === 'again') this.#waiting.push(...some)
        else for (const [i, { answered }] of some.entries()) answered(rows?.[i])
      }
    } finally {
      this.#asking = false
    }
  }

  /** `again`: fewer at a time. Undefined: all of it is to be done here. */
  async #ask(texts: readonly string[]): Promise<(EmbeddingResult | undefined)[] | 'again' | undefined> {
    const opened = await this.#opening
    if (opened === undefined || opened.refused) return undefined
    const { daemon, space, dims } = opened
    const body: RowsCall = { texts, space }
    const asked = performance.now()
    const call = { body, ms: this.#answerMs, inParts: true, signal: this.#signal }
    const { status, json } = await daemon.ask('/api/rows', call)
    if (status === 504) {
      if (this.#portions.tooMuch(texts)) return 'again'
      daemon.leave(TOO_SLOW)
    }
    const rows = rowsIn(json, texts, space, dims)
    if (rows) this.#portions.took(texts, performance.now() - asked)
    if (rows === undefined) opened.refused = true
    for (const [i, row] of (rows ?? []).entries()) {
      if (row?.source === 'pattern') this.patterns.hits++
      else if (row?.template !== undefined && row.template !== texts[i] && row.source === 'computed')
        this.patterns.templates++
    }
    return rows
  }
}

interface Opened {
  readonly daemon: DaemonClient
  readonly space: string
  readonly dims: number
  /** It serves no such space, or what it said was wrong. */
  refused?: boolean
}

/** A row for each text, undefined for one that failed there; undefined where any of it is not what was asked for: nothing of that is used. */
export function rowsIn(
  answer: unknown,
  texts: readonly string[],
  space: string,
  dims: number,
): (EmbeddingResult | undefined)[] | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined
  const { vectors, sources, devices, tokens, truncated, templates, failed, ...rest } = answer as Readonly<
    Record<string, unknown>
  >
  if (rest.space !== space || rest.dims !== dims) return undefined
  const all = fromBase64(vectors, texts.length * dims)
  const lists = [sources, devices, tokens, truncated, ...(templates === undefined ? [] : [templates])]
  if (all === undefined || !lists.every(list => Array.isArray(list) && list.length === texts.length)) return undefined
  if (!Array.isArray(failed)) return undefined
  const lost = new Set(failed.map(one => (one as { index?: unknown } | null)?.index))
  if (![...lost].every(index => Number.isSafeInteger(index))) return undefined
  const rows = texts.map((_, i): EmbeddingResult | undefined | false => {
    if (lost.has(i)) return undefined
    const vector = all.slice(i * dims, (i + 1) * dims)
    const row = {
      vector,
      source: (sources as Source[])[i]!,
      device: (devices as Device[])[i]!,
      tokens: (tokens as number[])[i]!,
      truncated: (truncated as boolean[])[i]!,
      ...(templates !== undefined && { template: (templates as string[])[i]! }),
    }
    return isSound(row) && row
  })
  return rows.includes(false) ? undefined : (rows as (EmbeddingResult | undefined)[])
}

function isSound({ vector, source, device, tokens, truncated, template }: EmbeddingResult): boolean {
  return (
    // Zeros are what a text that failed has.
    vector.every(Number.isFinite) &&
    vector.some(value => value !== 0) &&
    SOURCES.includes(source) &&
    DEVICES.includes(device) &&
    Number.isSafeInteger(tokens) &&
    typeof truncated === 'boolean' &&
    (template === undefined || typeof template === 'string')
  )
}
