// The tokenizer against the Rust library, from fixtures that were made with it (test/fixtures/tokenizers/README.md).
// By default some blocks of code points in one frame; all blocks and frames with OP_DBUS_CAMPAIGN=full (about ten minutes).

import { describe, expect, test } from 'vitest'
import type { Fields } from '../../../src/embedder/tokenizer/fields.js'
import { loadTokenizer } from '../../../src/embedder/tokenizer/load-tokenizer.js'
import { normalizerOf } from '../../../src/embedder/tokenizer/normalizers.js'
import { preTokenizerOf } from '../../../src/embedder/tokenizer/pre-tokenizers.js'
import {
  BLOCKS,
  blockName,
  commonTexts,
  digestBlocks,
  digestPieces,
  FRAME_NAMES,
  FRAMES,
  type FrameName,
  familyDigests,
  familyNames,
  missingFile,
  PART_FRAMES,
  type Part,
  type PartFrameName,
  parts,
  textCases,
  textsOf,
  tokenizerJson,
} from '../../fixtures/tokenizers/read.js'

const full = process.env.OP_DBUS_CAMPAIGN === 'full'
const frames: readonly FrameName[] = full ? FRAME_NAMES : ['in-word']
/** Of these kinds of tokenizer all of planes 0 and 1, also by default. */
const WHOLE = ['bert-uncased', 'xlm-r', 'roberta']
/** The first 8,192 code points, where most of what is special lies, and every sixteenth block behind them. */
const some = BLOCKS.filter(({ index, first }) => first < 0x20000 && (index < 32 || index % 16 === 0))
/** For each of the parts, of which there are many: the first 4,096, and half as many behind. */
const ofParts = full ? BLOCKS : some.filter(({ index }) => index < 16 || index % 32 === 0)
const blocksOf = (family: string) =>
  full ? BLOCKS : WHOLE.includes(family) ? BLOCKS.filter(({ first }) => first < 0x20000) : some

const digestsOf = (family: string) => {
  try {
    return familyDigests(family)
  } catch {
    return {}
  }
}
const load = (family: string, maxTokens: number) =>
  loadTokenizer(tokenizerJson(family), '{}', { id: family, maxTokens, prefix: '', lowercase: false })

for (const family of familyNames()) {
  const missing = missingFile(family)
  describe.skipIf(missing !== undefined)(missing ? `${family} (skipped: no ${missing})` : family, () => {
    test('texts: ids, and what is cut', async () => {
      const [all, at16, at128] = await Promise.all([load(family, 1_000_000), load(family, 16), load(family, 128)])
      const wrong = textCases(family).filter(
        ({ text, ...wanted }) =>
          !same(all(text).ids, wanted.ids) || !sameCut(at16(text), wanted.at16) || !sameCut(at128(text), wanted.at128),
      )
      expect(
        wrong.map(({ text, ids }) => ({
          text: text.slice(0, 200),
          ids: ids.slice(0, 40),
          ours: all(text).ids.slice(0, 40),
        })),
      ).toEqual([])
    })

    test.each(Object.keys(digestsOf(family)).filter(frame => frames.includes(frame as FrameName)) as FrameName[])(
      'code points %s',
      async frame => {
        const tokenize = await load(family, 1_000_000)
        const wanted = familyDigests(family)[frame]!
        const tried = blocksOf(family).filter(({ index }) => index < wanted.length)
        const found = digestBlocks(text => tokenize(text).ids, FRAMES[frame], tried)
        expect(tried.filter(({ index }, i) => found[i] !== wanted[index]).map(blockName)).toEqual([])
      },
      600_000,
    )
  })
}

/** Parts that are refused, by name: exact ids or none. */
const REFUSED =
  /UnicodeScripts|\\p\{Han\}|\(\?i\)|as bloom|as digits-by-three|as classes|Sequence WhitespaceSplit Metaspace first/

describe('parts', () => {
  for (const part of parts()) {
    if (REFUSED.test(part.name)) {
      test(`${part.kind} ${part.name} is refused`, () => {
        expect(() => runnerOf(part)).toThrow(/not supported|first/)
      })
      continue
    }
    test(`${part.kind} ${part.name}`, () => {
      const run = runnerOf(part)
      const wrong = commonTexts().filter((text, i) => digestPieces(run, [text]) !== part.texts[i])
      expect(wrong.map(text => text.slice(0, 100))).toEqual([])
      for (const frame of (full ? Object.keys(part.frames) : ['mixed']) as PartFrameName[]) {
        const wanted = part.frames[frame]
        const tried = ofParts.filter(({ index }) => index < wanted.length)
        const differ = tried.filter(
          block => digestPieces(run, textsOf(PART_FRAMES[frame], block)) !== wanted[block.index],
        )
        expect(differ.map(blockName), frame).toEqual([])
      }
    }, 600_000)
  }
})

function runnerOf({ kind, config }: Part): (text: string) => readonly string[] {
  if (kind === 'normalizers') {
    const normalize = normalizerOf(config as Fields)
    return text => [normalize(text, { kept: true })]
  }
  const preTokenize = preTokenizerOf(config as Fields)
  return text => {
    const pieces: string[] = []
    preTokenize(text, true, piece => pieces.push(piece) < 0)
    return pieces
  }
}

function same(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((id, i) => id === other[i])
}

type Cut = { readonly ids: readonly number[]; readonly truncated: boolean }

const sameCut = (one: Cut, other: Cut) => one.truncated === other.truncated && same(one.ids, other.ids)
