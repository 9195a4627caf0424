// Whoever waits for one id: a promise, where the answer is not there at once.
import type { Answer, Waiter } from './look-up.js'

export class OneWaiter<V> implements Waiter<V> {
  answer: Answer<V> | undefined
  #failure: { readonly error: unknown } | undefined
  #told: (() => void) | undefined

  /** Settles when it is told, also where that was before. `settled` is called then. */
  promise(settled?: () => void): Promise<Answer<V>> {
    return new Promise((resolve, reject) => {
      this.#told = () => {
        settled?.()
        if (this.answer) resolve(this.answer)
        else reject(this.#failure!.error)
      }
      if (this.answer || this.#failure) this.#told()
    })
  }

  answered(_place: number, answer: Answer<V>): void {
    this.answer = answer
    this.#told?.()
  }

  failed(_place: number, error: unknown): void {
    this.#failure = { error }
    this.#told?.()
  }
}
