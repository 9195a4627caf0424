// What the ONNX Runtime adapters share: which inputs a graph may ask for, which output is the answer, and who pools it.

import type { InferenceSession, Tensor, TypedTensor } from 'onnxruntime-web'
import { isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import type { Backend, BackendOutput, Device, Pooling, TokenBatch } from '../ports.js'
import { poolingNodes } from './pooling-nodes.js'

/** Outputs in order of trust. `pooler_output` is not among them: it is BERT's classification head, not an embedding. */
const OUTPUTS = ['sentence_embedding', 'last_hidden_state', 'token_embeddings']
/** Never an embedding, even where there is nothing else. */
const HEADS = ['pooler_output', 'logits']
/** Fatal only: what fails is thrown, and stderr belongs to the application. Sessions want to be told apart from runs. */
export const QUIET = { logSeverityLevel: 4 } as const
const INPUTS = ['input_ids', 'attention_mask', 'token_type_ids']

/** Whole numbers of which an input may consist. */
type Integers = 'int64' | 'int32'
interface TensorConstructor {
  new (type: 'int64', data: BigInt64Array, dims: readonly number[]): TypedTensor<'int64'>
  new (type: 'int32', data: Int32Array, dims: readonly number[]): TypedTensor<'int32'>
}

/** A session, and who pools. */
interface Opened {
  readonly session: InferenceSession
  /** The output that holds one vector a text, where the session got the nodes for it. */
  readonly pooled?: string
  /** Why it did not, though it was to. */
  readonly unpooled?: string
}

/** A model's bytes, and the same with more behind them. */
export interface ModelBytes {
  readonly bytes: Uint8Array
  followedBy(more: Uint8Array): Uint8Array
}

/** Bytes that somebody else holds, too: what follows them needs a copy. */
export function inHand(bytes: Uint8Array): ModelBytes {
  return {
    bytes,
    followedBy(more) {
      const both = new Uint8Array(bytes.length + more.length)
      both.set(bytes)
      both.set(more, bytes.length)
      return both
    },
  }
}

/** Creates a session whose graph pools, from what `read` brings; else, and where nobody asked for that, one of the model as it is. */
export async function openSession<Model>(
  model: Model,
  pooling: Pooling | undefined,
  read: () => Promise<ModelBytes>,
  create: (model: Model | Uint8Array) => Promise<InferenceSession>,
): Promise<Opened> {
  if (pooling === undefined) return { session: await create(model) }
  let unpooled: string | undefined
  try {
    const { bytes, followedBy } = await read()
    const nodes = poolingNodes(bytes, pooling, choose)
    if (typeof nodes === 'object') return { session: await create(followedBy(nodes.bytes)), pooled: nodes.output }
    unpooled = nodes
  } catch (error) {
    unpooled = messageOf(error)
  }
  return { session: await create(model), ...(unpooled !== undefined && { unpooled }) }
}

/**
 * A {@link Backend} over an open session. Calls queue: neither runtime gains from overlapping ones, and one of them
 * breaks. Throws UNSUPPORTED_MODEL when the graph wants inputs that are not known here, of another type or a fixed size,
 * or offers no known output.
 */
export function sessionBackend(
  device: Device,
  { session, pooled, unpooled }: Opened,
  Tensor: TensorConstructor,
): Backend {
  const own = outputOf(session, pooled)
  const output = pooled ?? own
  const inputs = inputsOf(session)
  let zeros = new BigInt64Array(0)
  let last: Promise<unknown> = Promise.resolve()

  async function run(batch: TokenBatch): Promise<BackendOutput> {
    const shape = [batch.rows, batch.width]
    const feeds: Record<string, Tensor> = {}
    if (zeros.length < batch.inputIds.length) zeros = new BigInt64Array(batch.inputIds.length)
    for (const { name, type } of inputs) {
      const data =
        name === 'input_ids'
          ? batch.inputIds
          : name === 'attention_mask'
            ? batch.attentionMask
            : zeros.subarray(0, batch.inputIds.length)
      feeds[name] = type === 'int64' ? new Tensor(type, data, shape) : new Tensor(type, lowHalves(data), shape)
    }
    let tensor: Tensor | undefined
    try {
      tensor = (await session.run(feeds, [output], QUIET))[output]
    } catch (error) {
      throw new OpDbusError('EMBEDDER_FAILED', `the model failed: ${messageOf(error)}`, { cause: error })
    }
    return answerOf(tensor, output, batch)
  }

  return {
    device,
    ...(unpooled !== undefined && { unpooled }),
    run(batch) {
      // After a rejection the next call starts all the same.
      const answer = last.then(() => run(batch))
      last = answer.catch(() => undefined)
      return answer
    },
    async close() {
      await last
      await session.release()
    },
  }
}

/** DEVICE_UNAVAILABLE with the runtime's own words; what this module refused stays as it is. */
export function openError(device: Device, error: unknown): OpDbusError {
  if (isOpDbusError(error)) return error
  const closed = (error as { code?: unknown } | null)?.code === 'ERR_DLOPEN_DISABLED'
  const reason = closed ? 'this node may load no native addons (under --permission: --allow-addons)' : messageOf(error)
  return new OpDbusError('DEVICE_UNAVAILABLE', reason, { cause: error, details: { device } })
}

/** The graph's inputs, each of which must be known here and take whole numbers for any number of texts and tokens. */
function inputsOf({ inputNames, inputMetadata }: InferenceSession): { name: string; type: Integers }[] {
  const strange = inputNames.filter(name => !INPUTS.includes(name))
  if (strange.length > 0 || !inputNames.includes('input_ids'))
    throw refuse(`the graph's inputs are ${inputNames.join(', ')}; supported: ${INPUTS.join(', ')}`)
  return inputMetadata.map(input => {
    const { name } = input
    if (!input.isTensor || (input.type !== 'int64' && input.type !== 'int32'))
      throw refuse(`the graph's input ${name} is ${input.isTensor ? input.type : 'no tensor'}; supported: int64, int32`)
    // A size that is not fixed is a name, or nothing.
    if (input.shape.some(size => typeof size === 'number' && size >= 0))
      throw refuse(`the graph's input ${name} is of the fixed size [${input.shape.join(', ')}]; any size is needed`)
    return { name, type: input.type }
  })
}

/** 64-bit numbers as 32-bit ones: ids and masks are small, and every engine that runs this is little-endian. */
function lowHalves(data: BigInt64Array): Int32Array {
  const halves = new Int32Array(data.buffer, data.byteOffset, 2 * data.length)
  const low = new Int32Array(data.length)
  for (let i = 0; i < low.length; i++) low[i] = halves[2 * i]!
  return low
}

function choose(outputs: readonly string[]): string | undefined {
  const only = outputs.length === 1 && !HEADS.includes(outputs[0]!) ? outputs[0] : undefined
  return OUTPUTS.find(known => outputs.includes(known)) ?? only
}

/** The output that the graph's authors meant, whatever was `added`. */
function outputOf({ outputNames, outputMetadata }: InferenceSession, added?: string): string {
  const names = outputNames.filter(name => name !== added)
  const name = choose(names)
  if (name === undefined)
    throw refuse(`the graph's outputs are ${names.join(', ')}; one of ${OUTPUTS.join(', ')} is needed`)
  const output = outputMetadata[outputNames.indexOf(name)]
  const type = output?.isTensor ? output.type : 'no tensor'
  if (type !== 'float32' && type !== 'float16')
    throw refuse(`the graph's output ${name} is ${type}; float32 or float16 is needed`)
  return name
}

function answerOf(tensor: Tensor | undefined, name: string, { rows, width }: TokenBatch): BackendOutput {
  const dims = tensor?.dims ?? []
  const pooled = dims.length === 2
  const shaped = dims[0] === rows && (pooled || (dims.length === 3 && dims[1] === width))
  if (shaped && tensor?.type === 'float32') return { vectors: tensor.data as Float32Array, pooled }
  if (shaped && tensor?.type === 'float16') return { vectors: fromHalves(tensor.data), pooled }
  throw refuse(
    `output ${name} is ${tensor?.type} [${dims.join(', ')}]; float32 or float16 of [${rows}, ${width}, dims] is needed`,
  )
}

/** IEEE 754 half precision as the runtimes hand it out: numbers where the engine has a Float16Array, else raw bits. */
function fromHalves(data: Tensor['data']): Float32Array {
  if (!(data instanceof Uint16Array)) return Float32Array.from(data as unknown as ArrayLike<number>)
  return Float32Array.from(data, half => {
    const exponent = (half >> 10) & 31
    const fraction = half & 1023
    const sign = half & 0x8000 ? -1 : 1
    if (exponent === 31) return fraction ? NaN : sign * Infinity
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
  })
}

function refuse(message: string): OpDbusError {
  return new OpDbusError('UNSUPPORTED_MODEL', message)
}
