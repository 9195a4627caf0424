// What a search could not look at, in sentences: who finds nothing has to know why. Pure.
import type { SearchReport } from '../src/blockchain.js'
import { plural } from '../src/format.js'

export function searchNotes(report: SearchReport): string[] {
  const { pending, pruned = 0, refused = 0, textOnly, older } = report
  const are = (many: number, what: string) => `${plural(many, 'block', 'blocks')} ${many === 1 ? 'is' : 'are'} ${what}`
  return [
    textOnly === undefined ? '' : `Searched by text alone: ${textOnly}.`,
    pending > 0
      ? `${are(pending, 'not embedded yet')}, and cannot be found by meaning. They are being embedded: search again soon.`
      : '',
    older === undefined
      ? ''
      : older.problem === undefined
        ? `${are(older.searched, 'searched by vectors of the model before')}.`
        : `Vectors of the model before could not be searched: ${older.problem}.`,
    refused > 0 ? `${are(refused, 'damaged, or its text was refused')}, and cannot be found by meaning.` : '',
    pruned > 0 ? `${are(pruned, 'pruned')}, and cannot be searched.` : '',
  ].filter(note => note !== '')
}
