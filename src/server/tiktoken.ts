// What turns arrays of token numbers back into texts, in a file of its own in dist: its table is large. To be finished by its owner (embed).
export { Tiktoken } from 'js-tiktoken/lite'
export { default as cl100kBase } from 'js-tiktoken/ranks/cl100k_base'
