// The last nodes of a sentence encoder, which models on the hub leave out: token vectors -> one vector a text. Made as the few bytes that
// are put behind an ONNX file; loads no runtime, and never changes what is in the file.

import { messageOf } from '../errors.js'
import type { Pooling } from '../ports.js'
import { type Field, fieldsOf, message, number, text, textOf } from './protobuf.js'

/** What is put behind the bytes of a model, and the output that the graph has then. */
export interface PoolingNodes {
  readonly bytes: Uint8Array
  /** float32 `[rows, dims]`, not scaled. */
  readonly output: string
}

/**
 * The operator sets for which the nodes below are written: `Where` came with 9, and above 26 nobody knows yet what the same names
 * will mean.
 */
const OPSETS = { least: 9, most: 26 }
/** Here the axes of `ReduceSum` became an input. */
const AXES_AS_INPUT = 13

// Numbers of fields and types in onnx.proto (github.com/onnx/onnx): messages of one name there, of one name here.
const MODEL = { graph: 7, opsetImport: 8 }
const OPSET = { domain: 1, version: 2 }
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13, sparseInitializer: 15 }
const NODE = { input: 1, output: 2, operator: 4, attribute: 5 }
const ATTRIBUTE = { name: 1, i: 3, tensor: 5, ints: 8, type: 20 }
const ATTRIBUTE_TYPE = { int: 2, tensor: 4, ints: 7 }
const TENSOR = { dims: 1, type: 2, name: 8, raw: 9 }
const SPARSE = { values: 1 }
const VALUE = { name: 1, type: 2 }
const TYPE = { tensor: 1 }
const TENSOR_TYPE = { element: 1, shape: 2 }
const SHAPE = { dim: 1 }
const ELEMENT = { float32: 1, int64: 7, bool: 9, float16: 10 }

/**
 * The nodes that pool what `choose` picks among a model's outputs. Serialised protobuf messages that are put one behind the other
 * are merged when they are read, and lists grow: so the model with these bytes behind it is the model with these nodes.
 * Answers with the reason, in words, where a graph must stay as it is, and with nothing where it pools by itself.
 */
export function poolingNodes(
  model: Uint8Array,
  pooling: Pooling,
  choose: (outputs: readonly string[]) => string | undefined,
): PoolingNodes | string | undefined {
  let graph: GraphFacts
  try {
    graph = factsOf(model)
  } catch (error) {
    return `it cannot be read: ${messageOf(error)}`
  }
  const { opset, inputs, outputs, names } = graph
  if (opset === undefined || opset < OPSETS.least || opset > OPSETS.most)
    return `its operator set is ${opset ?? 'not said'}; ${OPSETS.least} to ${OPSETS.most} are known`
  const hidden = choose([...outputs.keys()])
  const type = hidden === undefined ? undefined : outputs.get(hidden)
  if (hidden === undefined || type === undefined) return 'it has no output that could be pooled'
  if (type.rank === 2) return undefined
  if (type.rank !== 3) return `its output ${hidden} is of an unknown shape`
  if (type.element !== ELEMENT.float32 && type.element !== ELEMENT.float16)
    return `its output ${hidden} is of an unknown type`
  if (pooling === 'mean' && !inputs.has('attention_mask')) return 'it takes no attention_mask'
  const nodes = new Nodes(opset, unusedPrefix(names))
  const vectors = type.element === ELEMENT.float16 ? nodes.cast(hidden, ELEMENT.float32) : hidden
  const output = pooling === 'cls' ? firstToken(nodes, vectors) : meanOfTokens(nodes, vectors)
  return { bytes: Uint8Array.from(message(MODEL.graph, nodes.bytes, outputValue(output))), output }
}

function firstToken(nodes: Nodes, vectors: string): string {
  return nodes.add('Gather', [vectors, nodes.int64([0], [])], [attribute('axis', ATTRIBUTE.i, 1)])
}

/**
 * Only adding, on whichever device: multiplying matrices may be done in ten bits there. Padding is left out rather than multiplied
 * by zero, which leaves a NaN what it is. Without a token the sum is zero, and stays it.
 */
function meanOfTokens(nodes: Nodes, vectors: string): string {
  // Before any cast: a cast of the mask itself may be in the graph already, and the runtime, which would make one of both, no longer
  // knows the pattern that it fuses attention by.
  const mask = nodes.add('Reshape', ['attention_mask', nodes.int64([0, 0, 1], [3])])
  const kept = nodes.add('Where', [nodes.cast(mask, ELEMENT.bool), vectors, nodes.float32(0)])
  const sum = nodes.sumOfTokens(kept)
  const count = nodes.sumOfTokens(nodes.cast(mask, ELEMENT.float32))
  return nodes.add('Div', [sum, nodes.add('Max', [count, nodes.float32(1)])])
}

/** Nodes in the making, in the order in which they run. Each has one output. */
class Nodes {
  readonly bytes: number[] = []
  readonly #opset: number
  readonly #prefix: string
  #made = 0

  constructor(opset: number, prefix: string) {
    this.#opset = opset
    this.#prefix = prefix
  }

  /** Answers with the name of the output. */
  add(operator: string, inputs: readonly string[], attributes: readonly (readonly number[])[] = []): string {
    const output = `${this.#prefix}${this.#made++}`
    const fields = [...inputs.map(name => text(NODE.input, name)), text(NODE.output, output)]
    fields.push(text(NODE.operator, operator), ...attributes.map(one => message(NODE.attribute, one)))
    for (const byte of message(GRAPH.node, ...fields)) this.bytes.push(byte)
    return output
  }

  cast(value: string, element: number): string {
    return this.add('Cast', [value], [attribute('to', ATTRIBUTE.i, element)])
  }

  /** The sum along the second dimension, which is gone then. */
  sumOfTokens(value: string): string {
    const keep = attribute('keepdims', ATTRIBUTE.i, 0)
    return this.#opset >= AXES_AS_INPUT
      ? this.add('ReduceSum', [value, this.int64([1], [1])], [keep])
      : this.add('ReduceSum', [value], [attribute('axes', ATTRIBUTE.ints, 1), keep])
  }

  float32(value: number): string {
    return this.#constant(ELEMENT.float32, Float32Array.of(value), [])
  }

  int64(values: readonly number[], dims: readonly number[]): string {
    return this.#constant(ELEMENT.int64, BigInt64Array.from(values, BigInt), dims)
  }

  /** A node rather than an initializer, which in old files has to be an input as well. */
  #constant(element: number, data: Float32Array | BigInt64Array, dims: readonly number[]): string {
    const tensor = [...dims.map(dim => number(TENSOR.dims, dim)), number(TENSOR.type, element)]
    tensor.push(message(TENSOR.raw, [...new Uint8Array(data.buffer)]))
    const value = message(ATTRIBUTE.tensor, ...tensor)
    const kind = number(ATTRIBUTE.type, ATTRIBUTE_TYPE.tensor)
    return this.add('Constant', [], [[...text(ATTRIBUTE.name, 'value'), ...value, ...kind]])
  }
}

function attribute(name: string, field: number, value: number): number[] {
  const type = field === ATTRIBUTE.ints ? ATTRIBUTE_TYPE.ints : ATTRIBUTE_TYPE.int
  return [...text(ATTRIBUTE.name, name), ...number(field, value), ...number(ATTRIBUTE.type, type)]
}

/** float32 of two dimensions of any size. */
function outputValue(name: string): number[] {
  const shape = message(TENSOR_TYPE.shape, message(SHAPE.dim), message(SHAPE.dim))
  const type = message(TYPE.tensor, number(TENSOR_TYPE.element, ELEMENT.float32), shape)
  return message(GRAPH.output, text(VALUE.name, name), message(VALUE.type, type))
}

/** What must be known of a graph. */
interface GraphFacts {
  /** Of ONNX's own operators. */
  opset: number | undefined
  readonly inputs: Set<string>
  readonly outputs: Map<string, TensorType>
  /** Of every value in it, those above included. */
  readonly names: Set<string>
}

interface TensorType {
  readonly element: number | undefined
  readonly rank: number | undefined
}

function factsOf(model: Uint8Array): GraphFacts {
  const facts: GraphFacts = { opset: undefined, inputs: new Set(), outputs: new Map(), names: new Set() }
  for (const field of fieldsOf(model)) {
    if (field.number === MODEL.graph) for (const part of fieldsOf(field.inside)) note(part, facts)
    if (field.number !== MODEL.opsetImport) continue
    const domain = child(field, OPSET.domain)
    if (domain === undefined || ['', 'ai.onnx'].includes(textOf(domain)))
      facts.opset = child(field, OPSET.version)?.value
  }
  return facts
}

function note(part: Field, { inputs, outputs, names }: GraphFacts): void {
  const noteName = (of: Field | undefined, field: number) => {
    const found = of && child(of, field)
    if (found) names.add(textOf(found))
    return found ? textOf(found) : ''
  }
  switch (part.number) {
    case GRAPH.node:
      for (const field of fieldsOf(part.inside)) if (field.number === NODE.output) names.add(textOf(field))
      return
    case GRAPH.initializer:
      noteName(part, TENSOR.name)
      return
    case GRAPH.sparseInitializer:
      noteName(child(part, SPARSE.values), TENSOR.name)
      return
    case GRAPH.valueInfo:
      noteName(part, VALUE.name)
      return
    case GRAPH.input:
      inputs.add(noteName(part, VALUE.name))
      return
    case GRAPH.output:
      outputs.set(noteName(part, VALUE.name), typeOf(part))
  }
}

function typeOf(value: Field): TensorType {
  const type = child(value, VALUE.type)
  const tensor = type && child(type, TYPE.tensor)
  const shape = tensor && child(tensor, TENSOR_TYPE.shape)
  return {
    element: tensor && child(tensor, TENSOR_TYPE.element)?.value,
    rank: shape && [...fieldsOf(shape.inside)].filter(field => field.number === SHAPE.dim).length,
  }
}

/** The last field of that number in the message that `field` holds: as protobuf reads what is there twice. */
function child(field: Field, number: number): Field | undefined {
  let found: Field | undefined
  for (const one of fieldsOf(field.inside)) if (one.number === number) found = one
  return found
}

/** What none of `names` begins with. */
function unusedPrefix(names: ReadonlySet<string>): string {
  for (let i = 0; ; i++) {
    const prefix = `op_dbus_pooling${i === 0 ? '' : `_${i}`}/`
    if (![...names].some(name => name.startsWith(prefix))) return prefix
  }
}
