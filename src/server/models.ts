// To be written by its owner (embed): the models that one daemon serves, each with caches of its own, opened when first asked.
import type { Caches } from '../public.js'
import type { ModelInfo } from './api.js'

export interface ServedModel {
  /** What requests call it. */
  readonly name: string
  readonly caches: Caches
}

export interface Models {
  readonly all: readonly ServedModel[]
  /** The model that a request names; the first where it names none. @throws OpDbusError MODEL_NOT_FOUND, with `details.known` */
  of(name: string | undefined): ServedModel
  infos(): Promise<readonly ModelInfo[]>
  /** Whether the first model embeds: opens it where it is not. What `/readyz` says. */
  ready(signal?: AbortSignal): Promise<{ readonly ready: boolean; readonly problem?: string }>
  close(): Promise<void>
}
