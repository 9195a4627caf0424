// The tokenizer of OpenAI's embedding models, in a file of its own in dist: one megabyte that only `--token-arrays` loads. Nothing of ours is in here.
export { Tiktoken } from 'js-tiktoken/lite'
export { default as cl100kBase } from 'js-tiktoken/ranks/cl100k_base'
