// Tokenising against the library that transformers.js stands on, where both give the same ids; and a megabyte of nothing.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadTokenizer } from '../../../src/embedder/tokenizer/load-tokenizer.js'
import { logLines } from '../log-lines.js'
import { secondsOf, takeTurns } from '../measure.js'
import { peerModel } from '../peers/model-files.js'
import { type Bench, type Measured, type RowGroup, WrongAnswer } from '../row.js'

const LINES = 2000
const MAX_TOKENS = 256
const MEGABYTE = 1_000_000
/** What keeps tokenizers busy: one word, many words, nothing but blanks, no word of the vocabulary. */
const LONG_TEXTS = {
  'a letter': 'a'.repeat(MEGABYTE),
  words: 'Created container 100 '.repeat(MEGABYTE / 22),
  blanks: ' '.repeat(MEGABYTE),
  'CJK characters': '\u6f22\u5b57'.repeat(MEGABYTE / 6),
  'combining marks': `a${'\u0301'.repeat(MEGABYTE / 2)}`,
}

export const tokenizeRows: RowGroup = {
  id: 'tokenize',
  async run({ library, rounds, model, progress }: Bench): Promise<Measured[]> {
    const { folder, label } = peerModel({ library, model })
    const read = (file: string) => readFile(join(folder, file), 'utf8')
    const [json, config] = await Promise.all([read('tokenizer.json'), read('tokenizer_config.json')])
    const { Tokenizer } = await import('@huggingface/tokenizers')
    const peer = new Tokenizer(JSON.parse(json), JSON.parse(config))
    const tokenize = await loadTokenizer(json, config, {
      id: label,
      maxTokens: MAX_TOKENS,
      prefix: '',
      lowercase: false,
    })
    const lines = logLines(LINES)
    for (const line of lines) {
      const { ids, truncated } = tokenize(line)
      if (!truncated && ids.join() !== peer.encode(line).ids.join()) throw new WrongAnswer(`other ids for ${line}`)
    }

    const perSecond = async (each: (line: string) => unknown) =>
      lines.length /
      (await secondsOf(() => {
        for (const line of lines) each(line)
      }))
    const [ours, theirs] = await takeTurns(
      [
        { name: 'ours', round: () => perSecond(tokenize) },
        { name: 'theirs', round: () => perSecond(line => peer.encode(line)) },
      ],
      rounds,
      round => progress(`round ${round} of ${rounds}`),
    )
    const what = `${LINES.toLocaleString('en')} log lines of mixed length to ids, ${label}`
    const hold = { side: 'at least', times: 1 } as const
    const name = '@huggingface/tokenizers'
    const rows: Measured[] = [{ id: 'tokenize', what, unit: 'texts/s', ours, peer: { name, value: theirs }, hold }]

    const kinds = Object.entries(LONG_TEXTS)
    const times = await takeTurns(
      kinds.map(([kind, text]) => ({ name: kind, round: async () => 1000 * (await secondsOf(() => tokenize(text))) })),
      rounds,
      round => progress(`long texts, round ${round} of ${rounds}`),
    )
    const slowest = Math.max(...times)
    rows.push({
      id: 'tokenize-megabyte',
      what: `a megabyte of ${kinds[times.indexOf(slowest)]![0]}, the slowest of ${kinds.map(([kind]) => kind).join(', ')}`,
      unit: 'ms',
      ours: slowest,
      hold: { side: 'at most', plus: 100 },
    })
    return rows
  },
}
