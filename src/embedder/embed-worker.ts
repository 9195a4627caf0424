// The worker's side of the protocol, without its runtime: opens a model once, feeds the pipeline, hands out batches.

import { transfer } from 'comlink'
import { OpDbusError } from '../errors.js'
import type { BackendFactory } from '../ports.js'
import { openFirst } from './devices.js'
import type { ModelFile } from './model-folder.js'
import { Pipeline } from './pipeline.js'
import { type EmbedWorker, type OpenReply, type Part, toWire, type Work, type WorkerConfig } from './protocol.js'
import { loadTokenizer } from './tokenizer.js'

/** What the runtime lends the worker. */
export interface WorkerHost {
  readonly backends: readonly BackendFactory[]
  /** The text of a small file. */
  readText(file: ModelFile): Promise<string>
  /** Whether the file still holds the bytes that its digest says. */
  isUnchanged(file: ModelFile): Promise<boolean>
  /** One turn of the event loop. */
  turn(): Promise<void>
}

/** The object that comlink exposes; one per worker. */
export function embedWorker(host: WorkerHost): EmbedWorker {
  let pipeline: Pipeline | undefined
  let done: Part[] = []
  /** Answers the call that waits, if one does. */
  let answer: ((parts: Part[]) => void) | undefined

  function emit(part: Part): void {
    done.push(part)
    if (answer) flush()
  }

  function flush(): void {
    const parts = done
    done = []
    answer?.(
      transfer(
        parts,
        parts.map(part => part.matrix.buffer),
      ),
    )
    answer = undefined
  }

  function exchange({ ids, texts, dropped }: Work): Promise<readonly Part[]> {
    if (!pipeline) throw new OpDbusError('CLOSED', 'no model is open')
    if (answer) flush()
    const parts = new Promise<Part[]>(resolve => {
      answer = resolve
    })
    pipeline.drop(dropped)
    pipeline.submit(ids, texts)
    if (answer && done.length > 0) flush()
    return parts
  }

  async function open({ spec, devices, threads, maxBatchTokens }: WorkerConfig): Promise<OpenReply> {
    try {
      const { model, tokenizer, tokenizerConfig } = spec.files
      await Promise.all([model, tokenizer, tokenizerConfig].map(mustBeUnchanged))
      const factories = devices.flatMap(device => host.backends.filter(backend => backend.device === device))
      const [tokenize, { backend, opened }] = await Promise.all([
        Promise.all([host.readText(tokenizer), host.readText(tokenizerConfig)]).then(([json, config]) =>
          loadTokenizer(json, config, spec),
        ),
        openFirst(factories, { model: model.path }, { threads }),
      ])
      pipeline = new Pipeline({ spec, tokenize, backend, maxBatchTokens, emit, turn: host.turn })
      return { opened }
    } catch (error) {
      return { error: toWire(error) }
    }
  }

  /** The space was computed from these files: another content under the same space would poison the cache. */
  async function mustBeUnchanged(file: ModelFile): Promise<void> {
    if (await host.isUnchanged(file)) return
    throw new OpDbusError('UNSUPPORTED_MODEL', `${file.path} has changed since its space was computed: start again`, {
      details: { file: file.path },
    })
  }

  return { open, exchange }
}
