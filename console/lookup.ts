// What the look-up screen knows and does: asks the server, this page, or both. Draws nothing.
import { batch, computed, signal } from '@preact/signals'
import { cosine } from '../look/cosine.js'
import type { LookupReport } from '../src/server/api.js'
import { asCallFailure, type CallFailure } from './failures.js'
import { InPage, type PageAnswer, type PageDevice, whyNot } from './in-page.js'
import type { Session } from './state.js'
import { vectorOf } from './way.js'

export const PLACES = ['server', 'page', 'both'] as const
export type Place = (typeof PLACES)[number]

export interface OfServer {
  readonly text: string
  readonly report: LookupReport
  readonly vector: Float32Array | undefined
  /** Of the model that answered; undefined where it is not known. */
  readonly space: string | undefined
  /** From the press to the answer, with the network, ms. */
  readonly roundTripMs: number
}

export interface OfPage extends PageAnswer {
  readonly text: string
  readonly refused: readonly { readonly device: string; readonly reason: string }[]
}

export interface Compared {
  readonly sameSpace: boolean | undefined
  /** Undefined where the vectors differ in length. */
  readonly cosine: number | undefined
}

export class Lookup {
  readonly text = signal('')
  /** Empty: the first. */
  readonly model = signal('')
  readonly place = signal<Place>('server')
  readonly device = signal<PageDevice>('auto')
  readonly compute = signal(true)
  readonly busy = signal(false)
  readonly ofServer = signal<OfServer | undefined>(undefined)
  readonly ofPage = signal<OfPage | undefined>(undefined)
  readonly serverFailure = signal<CallFailure | undefined>(undefined)
  readonly pageFailure = signal('')
  readonly inPage = new InPage()
  /** Two answers for one text. */
  readonly compared = computed<Compared | undefined>(() => {
    const [server, page] = [this.ofServer.value, this.ofPage.value]
    if (!server?.vector || !page || server.text !== page.text) return undefined
    const sameLength = server.vector.length === page.result.vector.length
    return {
      sameSpace: server.space === undefined ? undefined : server.space === page.space,
      cosine: sameLength ? cosine(server.vector, page.result.vector) : undefined,
    }
  })
  readonly #session: Session
  #stop: AbortController | undefined

  constructor(session: Session) {
    this.#session = session
  }

  /** Never rejects. */
  async run(): Promise<void> {
    const text = this.text.peek()
    if (this.busy.peek() || text === '') return
    const stop = new AbortController()
    this.#stop = stop
    batch(() => {
      this.busy.value = true
      this.ofServer.value = undefined
      this.ofPage.value = undefined
      this.serverFailure.value = undefined
      this.pageFailure.value = ''
    })
    const place = this.place.peek()
    const asked = [
      ...(place === 'page' ? [] : [this.#askServer(text, stop.signal)]),
      ...(place === 'server' ? [] : [this.#askPage(text, stop.signal)]),
    ]
    await Promise.all(asked)
    this.busy.value = false
    this.#session.say(this.#spoken())
  }

  stop(): void {
    this.#stop?.abort()
  }

  close(): Promise<void> {
    this.stop()
    return this.inPage.close()
  }

  async #askServer(text: string, signal: AbortSignal): Promise<void> {
    const model = this.model.peek()
    const { client } = this.#session
    try {
      const start = performance.now()
      const call = { text, compute: this.compute.peek(), neighbours: 5, ...(model !== '' && { model }) }
      // The first one opens the model, which may take as long as the daemon allows.
      const report = await client.post('api/lookup', call, { signal, ms: 130_000 })
      const roundTripMs = performance.now() - start
      const vector = report.vector === undefined ? undefined : vectorOf(report.vector, report.dims)
      const models = await client.get('api/models', { signal })
      const { description: space } = models.find(one => one.name === model) ?? models[0] ?? {}
      this.ofServer.value = { text, report, vector, space, roundTripMs }
    } catch (error) {
      const failure = asCallFailure(error)
      if (failure.kind !== 'stopped') this.serverFailure.value = failure
    }
  }

  async #askPage(text: string, signal: AbortSignal): Promise<void> {
    try {
      const answer = await this.inPage.lookUp(text, this.device.peek(), signal)
      this.ofPage.value = { ...answer, text, refused: await this.inPage.refused() }
    } catch (error) {
      if (!signal.aborted) this.pageFailure.value = whyNot(error)
    }
  }

  #spoken(): string {
    const { report } = this.ofServer.peek() ?? {}
    if (report) return report.source === undefined ? 'No tier has it.' : `Answered, source: ${report.source}.`
    if (this.ofPage.peek()) return 'Computed in this page.'
    return 'No answer.'
  }
}
