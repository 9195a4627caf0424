// Jobs of systemd: what starts and stops units, and how each ended.
import { AbortListeners } from '../../../abort-listeners.js'
import { abortError } from '../../../errors.js'
import { JOB_SIGNALS, type Systemd } from './systemd1.js'

export class Jobs {
  readonly #systemd: Systemd
  readonly #aborts = new AbortListeners()
  /** Results by the job's path. One may end before we know that it is ours. */
  readonly #ended = new Map<string, string>()
  readonly #waiting = new Map<string, (result: string) => void>()

  private constructor(systemd: Systemd) {
    this.#systemd = systemd
  }

  /** Listens on the whole connection of `systemd`. */
  static async listen(systemd: Systemd): Promise<Jobs> {
    const jobs = new Jobs(systemd)
    await systemd.bus.listen(
      [JOB_SIGNALS],
      ({ member, body }) => {
        // Number, path, unit and result of the job.
        if (member === 'JobRemoved') jobs.#end(String(body[1]), String(body[3]))
      },
      systemd.signal,
    )
    await systemd.subscribe()
    return jobs
  }

  /**
   * The result of the job: `done`, `failed`, `dependency`, `timeout`, `canceled`, `skipped` and others.
   * @throws OpDbusError what systemd says where it queues no job; ABORTED, and the job goes on
   */
  async run(verb: 'start' | 'stop', name: string): Promise<string> {
    const { bus, signal } = this.#systemd
    const path = await this.#systemd.queue(verb, name)
    const ended = this.#ended.get(path)
    if (ended !== undefined) return ended
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(abortError(signal))
      const settled = this.#aborts.add(signal, () => reject(abortError(signal)))
      this.#waiting.set(path, result => {
        settled()
        resolve(result)
      })
      bus.onLost(why => reject(new Error(why)))
    })
  }

  #end(path: string, result: string): void {
    this.#ended.set(path, result)
    this.#waiting.get(path)?.(result)
    this.#waiting.delete(path)
  }
}
