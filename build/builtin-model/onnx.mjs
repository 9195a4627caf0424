// A thin builder over onnx-proto: names, nodes and tensors in, the bytes of one ONNX file out. Knows no model.
// @ts-check
import onnxProto from 'onnx-proto'

const { onnx } = onnxProto
const { DataType } = onnx.TensorProto
const { AttributeType } = onnx.AttributeProto

/** The operator set that every node is written for, and the file format version that goes with it. */
export const OPSET = 17
const IR_VERSION = 8

/** ONNX element types by the words used here. */
const ELEMENT_TYPES = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  int8: DataType.INT8,
  int32: DataType.INT32,
  int64: DataType.INT64,
}

/** @typedef {keyof typeof ELEMENT_TYPES} ElementType */
/** @typedef {Float32Array | Uint16Array | Int8Array | BigInt64Array} Data A Uint16Array holds the bits of float16 numbers. */
/** @typedef {string} Value The name of one tensor in the graph: an input, a constant or the output of a node. */
/** @typedef {Record<string, number | number[]>} Attributes Whole numbers are stored as integers, others as floats. */
/** @typedef {{ name: string, type: ElementType, shape: (number | string)[] }} Port A graph input or output; a string is a dimension left open. */

/** One graph under construction. Nodes run in the order in which they were added. */
export class GraphBuilder {
  /** @type {import('onnx-proto').onnx.INodeProto[]} */
  #nodes = []
  /** @type {Map<string, import('onnx-proto').onnx.ITensorProto>} */
  #constants = new Map()
  /** @type {Set<string>} */
  #names = new Set()

  /**
   * Stores a tensor in the file.
   * @param {string} name
   * @param {Data} data row-major
   * @param {readonly number[]} shape
   * @returns {Value}
   */
  constant(name, data, shape) {
    const expected = shape.reduce((product, n) => product * n, 1)
    if (data.length !== expected) throw new Error(`${name}: ${data.length} values do not fill [${shape}]`)
    this.#claim(name)
    const dataType = ELEMENT_TYPES[elementType(data)]
    // Little-endian, as ONNX wants it: so is every platform that ONNX Runtime is built for.
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    this.#constants.set(name, { name, dims: [...shape], dataType, rawData })
    return name
  }

  /**
   * A vector of int64, as shapes and axes are given. Equal vectors are stored once.
   * @param {...number} values
   * @returns {Value}
   */
  ints(...values) {
    const name = `ints_${values.join('_').replaceAll('-', 'minus')}`
    if (this.#constants.has(name)) return name
    return this.constant(name, BigInt64Array.from(values, BigInt), [values.length])
  }

  /**
   * One float32. Equal numbers are stored once.
   * @param {number} value
   * @returns {Value}
   */
  float(value) {
    const name = `float_${value}`
    if (this.#constants.has(name)) return name
    return this.constant(name, Float32Array.of(value), [])
  }

  /**
   * Adds a node with one output, which bears the node's name.
   * @param {string} name
   * @param {string} operator
   * @param {readonly Value[]} inputs
   * @param {Attributes} [attributes]
   * @returns {Value}
   */
  node(name, operator, inputs, attributes = {}) {
    this.#add(name, operator, inputs, [name], attributes)
    return name
  }

  /**
   * @param {string} name
   * @param {Value} value of any type
   * @returns {Value} the same numbers as float32
   */
  toFloat32(name, value) {
    return this.node(name, 'Cast', [value], { to: DataType.FLOAT })
  }

  /**
   * Cuts a tensor into parts along one dimension.
   * @param {string} name
   * @param {Value} value
   * @param {number} axis
   * @param {readonly number[]} sizes of the parts
   * @returns {Value[]}
   */
  split(name, value, axis, sizes) {
    const parts = sizes.map((_, i) => `${name}/${i}`)
    this.#add(name, 'Split', [value, this.ints(...sizes)], parts, { axis })
    return parts
  }

  /**
   * The finished model file. The same calls give the same bytes.
   * @param {{ name: string, description: string, inputs: Port[], outputs: Port[] }} model
   * @returns {Uint8Array}
   */
  encode({ name, description, inputs, outputs }) {
    const model = {
      irVersion: IR_VERSION,
      opsetImport: [{ domain: '', version: OPSET }],
      producerName: 'op-dbus',
      docString: description,
      graph: {
        name,
        node: this.#nodes,
        initializer: [...this.#constants.values()],
        input: inputs.map(valueInfo),
        output: outputs.map(valueInfo),
      },
    }
    return onnx.ModelProto.encode(onnx.ModelProto.fromObject(model)).finish()
  }

  /**
   * @param {string} name
   * @param {string} operator
   * @param {readonly Value[]} inputs
   * @param {readonly Value[]} outputs
   * @param {Attributes} attributes
   */
  #add(name, operator, inputs, outputs, attributes) {
    for (const output of outputs) this.#claim(output)
    this.#nodes.push({
      name,
      opType: operator,
      input: [...inputs],
      output: [...outputs],
      attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    })
  }

  /** @param {string} name */
  #claim(name) {
    if (this.#names.has(name)) throw new Error(`two values of the graph are called ${name}`)
    this.#names.add(name)
  }
}

/**
 * @param {string} name
 * @param {number | number[]} value
 * @returns {import('onnx-proto').onnx.IAttributeProto}
 */
function attribute(name, value) {
  if (Array.isArray(value)) return { name, type: AttributeType.INTS, ints: value }
  return Number.isInteger(value)
    ? { name, type: AttributeType.INT, i: value }
    : { name, type: AttributeType.FLOAT, f: value }
}

/**
 * @param {Port} port
 * @returns {import('onnx-proto').onnx.IValueInfoProto}
 */
function valueInfo({ name, type, shape }) {
  const dim = shape.map(size => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }))
  return { name, type: { tensorType: { elemType: ELEMENT_TYPES[type], shape: { dim } } } }
}

/**
 * @param {Data} data
 * @returns {ElementType}
 */
function elementType(data) {
  if (data instanceof Float32Array) return 'float32'
  if (data instanceof Uint16Array) return 'float16'
  return data instanceof Int8Array ? 'int8' : 'int64'
}
