// As much of the protobuf wire format as an ONNX file is looked into with: fields are walked, none is copied, and a few are written.
// Knows no message.

/** One field of a message. */
export interface Field {
  readonly number: number
  /** Of a number: its value; exact below 2^53. 0 for other fields. */
  readonly value: number
  /** Of text, bytes and messages: what is inside. Empty for other fields. */
  readonly inside: Uint8Array
}

const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5]
const NOTHING = new Uint8Array(0)

/** The fields of `message` in the order in which they lie there. Throws for what is no message. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0
  const varint = () => {
    let value = 0
    for (let factor = 1, bytes = 0; bytes < 10; bytes++, factor *= 128) {
      const byte = message[at++]
      if (byte === undefined) throw new Error('it ends within a number')
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
    throw new Error('a number has no end')
  }
  const skip = (length: number) => {
    if (length > message.length - at) throw new Error('it ends within a field')
    at += length
    return at - length
  }
  while (at < message.length) {
    const tag = varint()
    const number = Math.floor(tag / 8)
    const wire = tag % 8
    if (number === 0) throw new Error('a field has no number')
    if (wire === VARINT) yield { number, value: varint(), inside: NOTHING }
    else if (wire === LENGTH) {
      const from = skip(varint())
      yield { number, value: 0, inside: message.subarray(from, at) }
    } else if (wire === FIXED64 || wire === FIXED32) {
      skip(wire === FIXED64 ? 8 : 4)
      yield { number, value: 0, inside: NOTHING }
    } else throw new Error(`a field has the unknown form ${wire}`)
  }
}

/** The text in a field. */
export const textOf = ({ inside }: Field): string => new TextDecoder().decode(inside)

/** A number as a field; not below zero. */
export const number = (field: number, value: number): number[] => [...varint(field * 8 + VARINT), ...varint(value)]

/** A text as a field. */
export const text = (field: number, value: string): number[] => message(field, [...new TextEncoder().encode(value)])

/** A message, made of its fields, or bytes, as a field. */
export const message = (field: number, ...fields: readonly (readonly number[])[]): number[] => {
  const inside = fields.flat()
  return [...varint(field * 8 + LENGTH), ...varint(inside.length), ...inside]
}

function varint(value: number): number[] {
  const bytes: number[] = []
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128)
  return [...bytes, value]
}
