// The models that one daemon serves: each a set of caches of its own over one cache folder, opened when first asked. Knows no requests.
import { basename } from 'node:path'
import { KNOWN_MODELS } from '../embedder/model/table.js'
import { BatchError, invalid, isOpDbusError, OpDbusError } from '../errors.js'
import { nearest } from '../nearest.js'
import { isModelHere } from '../node/models.js'
import { readOptions } from '../node/options.js'
import { spaceId } from '../node/spaces.js'
import { type OpenOptions, openCaches } from '../node.js'
import type { CallOptions } from '../ports.js'
import type { Caches } from '../public.js'
import type { ModelInfo } from './api.js'
import { httpErrorOf } from './http-errors.js'

export interface ServedModel {
  /** What requests call it, and `/v1/models` lists. */
  readonly name: string
  /** What else it answers to: the level's id on the hub, and what `--alias` says. */
  readonly aliases: readonly string[]
  /** The name of what serves: another level's where one gave way. Its own until it was opened. */
  readonly serves: string
  readonly caches: Caches
  /** How long its vectors are; undefined until {@link open}. */
  readonly dims: number | undefined
  /** Room for one vector, for who copies it on before anybody else has a turn. Undefined like `dims`. */
  readonly row: Float32Array | undefined
  /** How long its vectors are. Reads the model's small files, and fetches a model that is not here; loads none. @throws what `getOrEmbed` does */
  open(call?: CallOptions): Promise<number>
  /** Whether opening it fetches nothing. */
  isHere(): Promise<boolean>
  /** An embedding failed with `error`: unless that says nothing of the model, readiness is looked into anew. */
  doubt(error: unknown): void
}

export interface Models {
  /** In the order in which they were named; at least one. */
  readonly all: readonly ServedModel[]
  /** The model that a request names; the first where it names none. @throws OpDbusError MODEL_NOT_FOUND, with `details.known` */
  of(name: string | undefined): ServedModel
  infos(): Promise<readonly ModelInfo[]>
  /**
   * Whether the first model embeds: opens it where it is not. What `/readyz` says. One that did is believed until an embedding
   * fails, so that who asks often computes nothing and keeps no model loaded. An answer comes within `waitMs` (default: 5,000), however
   * long the model takes.
   */
  ready(waitMs?: number): Promise<Readiness>
  close(): Promise<void>
}

export interface Readiness {
  readonly ready: boolean
  /** Why not. */
  readonly error?: unknown
}

export interface ModelsOptions {
  /** As `model` of `openCaches`; the first serves requests that name none. Default: the one that `openCaches` would take. */
  readonly models?: readonly string[]
  /** More names, each for one of `models`: what a client cannot be told otherwise (`text-embedding-3-small`). */
  readonly aliases?: Readonly<Record<string, string>>
  /** For all of them. */
  readonly open: Omit<OpenOptions, 'model'> & Pick<OpenOptions, 'model'>
}

/** What a caller is to blame for, or how much there is to do. */
const SAYS_NOTHING = ['ABORTED', 'CLOSED', 'INVALID_INPUT', 'OVERLOADED'] as const

const OPENING = 'the model is still being opened'
const BUSY = 'the model does not answer yet: it is being loaded, or has other texts before'

/** A text that no system embeds by itself, so that an answer says that the embedder computes, or did and is kept. */
const PROBE = 'op-dbus: is the embedder ready?'

/** Loads no model. @throws OpDbusError INVALID_INPUT where a name is there twice, or an alias leads nowhere */
export async function openModels({ models, aliases = {}, open }: ModelsOptions): Promise<Models> {
  const asked = models?.length ? models : [open.model ?? open.embedder?.space ?? readOptions(open).config.model]
  const names = asked.map(nameOf)
  const byName = new Map<string, number>()
  const put = (name: string, number: number) => {
    if (byName.has(name) && byName.get(name) !== number)
      throw invalid(`two models would be called ${JSON.stringify(name)}`)
    byName.set(name, number)
  }
  names.forEach((name, number) => {
    if (byName.has(name)) throw invalid(`model ${JSON.stringify(name)} is there twice`)
    put(name, number)
  })
  // A hub id that names a model itself goes before the same id of a level.
  names.forEach((name, number) => {
    const hubId = hubIdOf(name)
    if (hubId !== undefined && !byName.has(hubId)) put(hubId, number)
  })
  for (const [alias, name] of Object.entries(aliases)) {
    const number = byName.get(name)
    if (number === undefined)
      throw invalid(`alias ${alias}: no model ${JSON.stringify(name)} is served; there is: ${names.join(', ')}`)
    put(alias, number)
  }
  const namesOf = (number: number) =>
    [...byName].flatMap(([name, other]) => (other === number && name !== names[number] ? [name] : []))
  const all: Served[] = []
  try {
    for (const [number, model] of asked.entries()) {
      // An embedder of the user's own is no model by a name.
      const options = open.embedder ? open : { ...open, model }
      const isHere = async () => open.embedder !== undefined || isModelHere(options)
      all.push(new Served(names[number]!, namesOf(number), await openCaches(options), isHere))
    }
  } catch (error) {
    await Promise.allSettled(all.map(({ caches }) => caches.close()))
    throw error
  }
  return new OpenedModels(all, byName)
}

class OpenedModels implements Models {
  readonly all: readonly Served[]
  readonly #byName: ReadonlyMap<string, number>

  constructor(all: readonly Served[], byName: ReadonlyMap<string, number>) {
    this.all = all
    this.#byName = byName
  }

  of(name: string | undefined): ServedModel {
    const number = name === undefined ? 0 : this.#byName.get(name)
    if (number !== undefined) return this.all[number]!
    const known = [...this.#byName.keys()]
    const near = nearest(name!, known)
    const hint = near === undefined ? '' : ` Did you mean ${JSON.stringify(near)}?`
    const first = this.all[0]!.name
    // A name that another provider gave to other vectors must not be answered with ours unless somebody said so.
    throw new OpDbusError(
      'MODEL_NOT_FOUND',
      `no model of that name is served here; there is: ${known.join(', ')}.${hint} ` +
        `To serve one under another name: op-dbus serve --alias NAME=${first}`,
      { details: { known, param: 'model' } },
    )
  }

  async infos(): Promise<readonly ModelInfo[]> {
    return Promise.all(this.all.map(model => model.info()))
  }

  async ready(waitMs = 5_000): Promise<Readiness> {
    try {
      await this.all[0]!.prove(waitMs)
      return { ready: true }
    } catch (error) {
      return { ready: false, error: reasonOf(error) }
    }
  }

  async close(): Promise<void> {
    const closed = await Promise.allSettled(this.all.map(({ caches }) => caches.close()))
    const failed = closed.find(outcome => outcome.status === 'rejected')
    if (failed) throw failed.reason
  }
}

class Served implements ServedModel {
  readonly name: string
  readonly aliases: readonly string[]
  readonly caches: Caches
  readonly isHere: () => Promise<boolean>
  serves: string
  dims: number | undefined
  row: Float32Array | undefined
  #space: string | undefined
  #opening = 0
  /** For whoever may read: names no files. */
  #problem: string | undefined
  /** It has embedded, and nothing failed since. */
  #proven = false
  #probing = false
  /** Who waits for the probe, each told once: of what it failed with, or of nothing. */
  readonly #asking = new Set<(failed?: { readonly error: unknown }) => void>()

  constructor(name: string, aliases: readonly string[], caches: Caches, isHere: () => Promise<boolean>) {
    this.name = name
    this.serves = name
    this.aliases = aliases
    this.caches = caches
    this.isHere = isHere
  }

  async open(call: CallOptions = {}): Promise<number> {
    this.#opening++
    try {
      const { dims, space, model } = await this.caches.embeddings.computing(call)
      if (model !== undefined) this.serves = nameOf(model)
      this.#problem = undefined
      this.#space = space
      this.dims = dims
      this.row ??= new Float32Array(dims)
      return dims
    } catch (error) {
      if (!call.signal?.aborted) this.#problem = httpErrorOf(error, false).message
      throw error
    } finally {
      this.#opening--
    }
  }

  doubt(error: unknown): void {
    const reason = reasonOf(error)
    if (!SAYS_NOTHING.some(code => isOpDbusError(reason, code))) this.#proven = false
  }

  /** Resolves once it embeds. One probe for all who ask, which goes on when they have left. */
  prove(waitMs: number): Promise<void> {
    if (this.#proven) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const over = (failed?: { readonly error: unknown }) => {
        clearTimeout(timer)
        this.#asking.delete(over)
        if (failed === undefined) resolve()
        else reject(failed.error)
      }
      const timer = setTimeout(() => {
        over({ error: new OpDbusError('ABORTED', this.dims === undefined ? OPENING : BUSY) })
      }, waitMs)
      this.#asking.add(over)
      if (!this.#probing) void this.#probe()
    })
  }

  async #probe(): Promise<void> {
    this.#probing = true
    let failed: { readonly error: unknown } | undefined
    try {
      await this.open()
      await this.caches.embeddings.compute([PROBE])
      this.#proven = true
    } catch (error) {
      failed = { error }
    }
    this.#probing = false
    for (const over of [...this.#asking]) over(failed)
  }

  async info(): Promise<ModelInfo> {
    const { embeddings } = await this.caches.stats()
    const { model, running } = embeddings
    const opened = this.dims !== undefined
    const state = opened ? 'ready' : this.#opening > 0 ? 'opening' : this.#problem === undefined ? 'unopened' : 'failed'
    return {
      name: this.name,
      ...(model && { serves: this.serves }),
      ...(opened && { space: spaceId(this.#space!), description: this.#space!, dims: this.dims! }),
      state,
      ...(state === 'failed' && { problem: this.#problem! }),
      ...(running?.device && { device: running.device }),
      ...(running && { workers: running.workers, threads: running.threads }),
      refused: running?.refused ?? [],
      cache: embeddings,
    }
  }
}

/** What is told of a batch that failed: why its first text did. */
export function reasonOf(error: unknown): unknown {
  return error instanceof BatchError ? error.failed[0]?.error : error
}

/** A folder is called by its own name: where it lies is nobody's business. */
function nameOf(model: string): string {
  return /^[./~]|^[A-Za-z]:\\/.test(model) ? basename(model) : model
}

function hubIdOf(name: string): string | undefined {
  return Object.hasOwn(KNOWN_MODELS, name) ? KNOWN_MODELS[name as keyof typeof KNOWN_MODELS].hubId : undefined
}
