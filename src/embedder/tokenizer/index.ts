// The door of the tokenizer: what is loaded, in one piece, when the first model's files are there.

import { TokenizerFault } from './fields.js'
import { UnknownWord } from './vocabulary.js'

export { encoderOf } from './encoder.js'

export const isFault = (error: unknown): error is TokenizerFault => error instanceof TokenizerFault
export const isUnknownWord = (error: unknown): error is UnknownWord => error instanceof UnknownWord
