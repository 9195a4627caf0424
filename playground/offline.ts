// Whether the page works without a network, and whether a newer one is ready. Talks to the service worker (sw.ts).
import { signal } from '@preact/signals'

export class Offline {
  readonly online = signal(navigator.onLine)
  /** The page's own files are in this browser: it opens without a network. */
  readonly pageKept = signal(false)
  /** So is the code that embeds. Model and runtime are the library's to keep. */
  readonly engineKept = signal(false)
  /** A newer page is fetched and waits. */
  readonly update = signal(false)
  #waiting: ServiceWorker | null = null

  async start(): Promise<void> {
    addEventListener('online', () => {
      this.online.value = true
    })
    addEventListener('offline', () => {
      this.online.value = false
    })
    // Plain http on a network address has none; the page works, it just needs its server each time.
    if (!('serviceWorker' in navigator)) return
    try {
      const registration = await navigator.serviceWorker.register('sw.js')
      const look = () => {
        this.#waiting = registration.waiting
        this.update.value = registration.waiting !== null && navigator.serviceWorker.controller !== null
      }
      registration.addEventListener('updatefound', () => {
        registration.installing?.addEventListener('statechange', look)
      })
      look()
      await navigator.serviceWorker.ready
      this.pageKept.value = true
      this.engineKept.value = await this.#ask('is the engine kept')
    } catch {
      // A browser that forbids it: the page works online.
    }
  }

  /** The engine was fetched: from now on it is kept as the page is. */
  async keepEngine(): Promise<void> {
    if (this.pageKept.peek()) this.engineKept.value = await this.#ask('keep the engine')
  }

  /** Changes over to the newer page. */
  takeUpdate(): void {
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true })
    this.#waiting?.postMessage('take over')
  }

  async #ask(question: 'keep the engine' | 'is the engine kept'): Promise<boolean> {
    const { active } = await navigator.serviceWorker.ready
    const { port1, port2 } = new MessageChannel()
    const answer = new Promise<boolean>(resolve => {
      port1.onmessage = ({ data }) => {
        port1.close()
        resolve(data === true)
      }
    })
    active?.postMessage(question, [port2])
    return answer
  }
}
