// Jobs over an embedder that takes one text at a time. Goes as soon as both embedders take jobs whole.

import { asFailure } from '../../errors.js'
import type { CallOptions, Embedding, EmbedJob } from '../../ports.js'

export class TextJobs {
  readonly #jobs = new Map<EmbedJob, Map<number, AbortController>>()
  readonly #embed: (text: string, call: CallOptions) => Promise<Embedding>

  constructor(embed: (text: string, call: CallOptions) => Promise<Embedding>) {
    this.#embed = embed
  }

  submit(job: EmbedJob): void {
    const rows = new Map<number, AbortController>()
    this.#jobs.set(job, rows)
    const told = (row: number) => {
      const here = rows.delete(row)
      if (rows.size === 0) this.#jobs.delete(job)
      return here
    }
    for (const [row, text] of job.texts.entries()) {
      const controller = new AbortController()
      rows.set(row, controller)
      this.#embed(text, { signal: controller.signal }).then(
        ({ vector, tokens, truncated, device }) => {
          const part = { rows: [row], matrix: vector, tokens: [tokens], truncated: [Number(truncated)], device }
          if (told(row)) job.done(part)
        },
        error => told(row) && job.failed([row], asFailure(error)),
      )
    }
  }

  drop(job: EmbedJob, rows: readonly number[]): void {
    const waiting = this.#jobs.get(job)
    for (const row of rows) {
      const controller = waiting?.get(row)
      waiting?.delete(row)
      controller?.abort()
    }
    if (waiting?.size === 0) this.#jobs.delete(job)
  }
}
