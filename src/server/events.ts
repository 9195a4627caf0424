// `/events`: what happens in the daemon, as server-sent events, for pages and programs that watch. Holds no text and no key; makes nothing
// while nobody listens, and waits for no reader: who is slow is left out, and then let go.
import type { ServerResponse } from 'node:http'
import type { PrefetchedEvent } from '../diagnostics.js'
import { unbounded } from '../format.js'
import type { CacheName } from '../ports.js'
import type { Caches } from '../public.js'
import type { LiveEvents, LiveLookup, LivePrefetched } from './api.js'
import type { Routes, ServerContext } from './context.js'
import { daemonStats } from './daemon-stats.js'
import { withoutFiles } from './http-errors.js'

/** Look-ups, and what was fetched ahead, are told together this often, ms. */
const TOGETHER_MS = 250
/** The first of them that are told one by one. */
const MOST_LOOKUPS = 50
const TICK_MS = 1000
/** Ticks between two `stats` while nothing happens. */
const QUIET_TICKS = 5
/** Ticks between two comments, by which a proxy knows that the connection lives. */
const HEARTBEAT_TICKS = 15
/** What may wait for one reader, bytes: a burst in one turn of the event loop is no sign of slowness. */
const MOST_WAITING = 2 ** 16
/** A reader that has taken nothing for so long is let go, ms. */
const SLOW_MS = 15_000

export const liveRoutes: Routes = (app, context) => {
  const live = new Live(context)
  app.addHook('onClose', async () => live.close())
  app.get(
    '/events',
    {
      config: { access: 'read', streams: true },
      schema: {
        summary: 'What happens, as server-sent events',
        description:
          'Events: stats, lookups, appended, applied, invalidated, cleared, prefetched, tuned, warmed, warning, skipped. Their data is JSON.',
        response: {
          200: {
            description: 'For as long as you listen',
            content: { 'text/event-stream': { schema: { type: 'string' } } },
          },
        },
      },
    },
    (request, reply) => {
      reply.hijack()
      live.add(reply.raw, context.signalOf(request))
    },
  )
}

/** One who listens. */
class Reader {
  readonly #response: ServerResponse
  readonly #now: () => number
  #skipped = 0
  #stuckSince: number | undefined

  constructor(response: ServerResponse, now: () => number) {
    this.#response = response
    this.#now = now
    response.on('drain', () => this.#drained())
  }

  /** Sends it, or counts it as left out where what was sent before is not taken yet. */
  send(text: string): void {
    const { writableNeedDrain, writableLength, destroyed } = this.#response
    if (destroyed || (writableNeedDrain && writableLength > MOST_WAITING)) {
      this.#skipped++
      this.#stuckSince ??= this.#now()
    } else this.#response.write(text)
  }

  /** True where it has taken nothing for too long, and was let go. */
  isTooSlow(): boolean {
    if (this.#stuckSince === undefined || this.#now() - this.#stuckSince < SLOW_MS) return false
    this.#response.destroy()
    return true
  }

  end(): void {
    this.#response.end()
  }

  #drained(): void {
    this.#stuckSince = undefined
    if (this.#skipped === 0) return
    const events = this.#skipped
    this.#skipped = 0
    this.send(eventText('skipped', { events }))
  }
}

/** All who listen, and what is heard for them. */
export class Live {
  readonly #context: ServerContext
  readonly #readers = new Set<Reader>()
  #stopListening: (() => void) | undefined
  #lookups: LiveLookup[] = []
  #lookupsTotal = 0
  /** Ends of entries that were fetched ahead, by cache, predictor and outcome. */
  readonly #prefetched = new Map<string, LivePrefetched>()
  #flush: NodeJS.Timeout | undefined
  #ticks = 0
  /** The tick of the last `stats`, and what had happened until then. */
  #toldAt = 0
  #toldOf = ''
  #telling = false
  /** Blocks that are told of. */
  #blocks = 0
  #closed = false

  constructor(context: ServerContext) {
    this.#context = context
  }

  /** Sends to `response` until its reader leaves or `signal` fires. */
  add(response: ServerResponse, signal: AbortSignal): void {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' })
    if (this.#closed || signal.aborted) return void response.end()
    const reader = new Reader(response, () => this.#context.clock.monotonic())
    this.#readers.add(reader)
    response.on('error', () => {})
    response.once('close', () => this.#leave(reader))
    signal.addEventListener('abort', () => reader.end(), { once: true })
    reader.send('retry: 2000\n\n')
    this.#stopListening ??= this.#listen()
    void daemonStats(this.#context)
      .then(stats => reader.send(eventText('stats', stats)))
      .catch(() => {})
  }

  close(): void {
    this.#closed = true
    for (const reader of this.#readers) reader.end()
    this.#readers.clear()
    this.#stop()
  }

  #leave(reader: Reader): void {
    this.#readers.delete(reader)
    if (this.#readers.size === 0) this.#stop()
  }

  #stop(): void {
    this.#stopListening?.()
    this.#stopListening = undefined
    clearTimeout(this.#flush)
    this.#flush = undefined
    this.#lookups = []
    this.#lookupsTotal = 0
    this.#prefetched.clear()
  }

  #listen(): () => void {
    const { caches, models } = this.#context
    this.#blocks = this.#sizeOfChain()
    const all = new Set<Caches>([caches, ...models.all.map(model => model.caches)])
    const ends = [...all].flatMap(one => [
      one.on('lookup', ({ cache, source, outcome, micros }) => this.#lookUp(cache, source, outcome, micros)),
      one.on('applied', ({ plugin, outcomes }) => this.#tell('applied', { plugin, outcomes })),
      one.on('invalidated', ({ elsewhere }) => this.#tell('invalidated', { elsewhere })),
      one.on('cleared', ({ cache, elsewhere }) => this.#tell('cleared', { cache, elsewhere })),
      one.on('prefetched', event => this.#fetchedAhead(event)),
      one.on('tuned', event => this.#tell('tuned', event)),
      one.on('warmed', event => this.#tell('warmed', event)),
      one.on('warning', ({ message }) => this.#tell('warning', { message: withoutFiles(message) })),
      one.on('appended', () => this.#tellBlocks()),
    ])
    const ticks = setInterval(() => this.#tick(), TICK_MS)
    return () => {
      clearInterval(ticks)
      for (const end of ends) end()
    }
  }

  #lookUp(cache: CacheName, source: LiveLookup['source'], outcome: LiveLookup['outcome'], micros: number): void {
    this.#lookupsTotal++
    if (this.#lookups.length < MOST_LOOKUPS) {
      this.#lookups.push({ cache, ...(source !== undefined && { source }), outcome, micros })
    }
    this.#flushSoon()
  }

  #fetchedAhead({ cache, predictor, outcome }: PrefetchedEvent): void {
    const key = `${cache} ${predictor} ${outcome}`
    const entries = (this.#prefetched.get(key)?.entries ?? 0) + 1
    this.#prefetched.set(key, { cache, predictor, outcome, entries })
    this.#flushSoon()
  }

  #flushSoon(): void {
    this.#flush ??= setTimeout(() => {
      const lookups = this.#lookups
      const total = this.#lookupsTotal
      const prefetched = [...this.#prefetched.values()]
      this.#flush = undefined
      this.#lookups = []
      this.#lookupsTotal = 0
      this.#prefetched.clear()
      if (total > 0) this.#tell('lookups', { total, lookups })
      if (prefetched.length > 0) this.#tell('prefetched', { prefetched })
    }, TOGETHER_MS)
  }

  #tick(): void {
    this.#ticks++
    for (const reader of this.#readers) if (reader.isTooSlow()) this.#leave(reader)
    if (this.#readers.size === 0) return
    this.#tellBlocks()
    if (this.#ticks % HEARTBEAT_TICKS === 0) for (const reader of this.#readers) reader.send(': alive\n\n')
    const { requests, rows } = this.#context.meters
    const happened = JSON.stringify([requests, rows])
    if (happened === this.#toldOf && this.#ticks - this.#toldAt < QUIET_TICKS) return
    this.#toldOf = happened
    this.#toldAt = this.#ticks
    void this.#tellStats()
  }

  async #tellStats(): Promise<void> {
    if (this.#telling) return
    this.#telling = true
    try {
      this.#tell('stats', await daemonStats(this.#context))
    } catch {
      // Closed meanwhile: the readers hear the end.
    } finally {
      this.#telling = false
    }
  }

  /** Also of blocks that other processes appended, which nobody else tells us. */
  #tellBlocks(): void {
    const size = this.#sizeOfChain()
    const first = this.#blocks
    this.#blocks = size
    if (size > first) this.#tell('appended', { first, blocks: size - first })
  }

  #sizeOfChain(): number {
    try {
      return this.#context.chain?.size() ?? 0
    } catch {
      // Damaged, or being replaced: who asks for blocks is told.
      return this.#blocks
    }
  }

  #tell<N extends keyof LiveEvents>(name: N, data: LiveEvents[N]): void {
    if (this.#readers.size === 0) return
    const text = eventText(name, data)
    for (const reader of this.#readers) reader.send(text)
  }
}

function eventText<N extends keyof LiveEvents>(name: N, data: LiveEvents[N]): string {
  const json = JSON.stringify(data, unbounded)
  return `event: ${name}\ndata: ${json}\n\n`
}
