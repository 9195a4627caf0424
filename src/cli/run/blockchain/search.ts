// `op-dbus blockchain search`: blocks by meaning, by text, or both.
import { OpDbusError } from '../../../errors.js'
import { plural } from '../../../format.js'
import { foundText } from '../../chain-text.js'
import type { CommandCall } from '../../command.js'
import { jsonText, lookOf, wantsJson } from '../telling.js'
import { type ChainValues, countIn, type FilterValues, filterOf, oneOf, progress, withChain } from './chain.js'
import { tellNone } from './show.js'

type Values = ChainValues & FilterValues & { readonly top?: string; readonly text?: boolean; readonly hybrid?: boolean }

/** As many as the chain looks for. */
const MOST_FOUND = 10_000

export async function searchCommand({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  const text = oneOf(args, 'text, as one argument', 'search')
  if (values.text && values.hybrid)
    throw new OpDbusError('INVALID_INPUT', '--text and --hybrid are two ways to search: give one of them')
  const json = wantsJson(values, terminal)
  const k = countIn(values.top, 'top', 10, MOST_FOUND)
  const filter = filterOf(values)
  const by = values.text ? 'text' : values.hybrid ? 'hybrid' : 'meaning'
  return withChain(values, terminal, async chain => {
    // Whoever asks at a prompt wants an answer over all blocks, and this process ends with it: nothing would be made in the background.
    const onProgress = progress(values, terminal, 'blocks have their vector')
    const call = { ...filter, k, by, wait: true, onProgress, signal: terminal.signal } as const
    const { found, searched, pruned = 0, pending, refused = 0, textOnly } = await chain.search(text, call)
    if (textOnly !== undefined) terminal.say(`op-dbus: searched by text alone: ${textOnly}`)
    await terminal.out(
      json
        ? found.map(({ score, block }) => jsonText({ score, ...block }, 'line')).join('')
        : foundText(found, lookOf(terminal)),
    )
    if (pending > 0)
      terminal.say(`op-dbus: ${plural(pending, 'block has', 'blocks have')} no vector yet, and could not be found`)
    if (refused > 0) terminal.say(refusedText(refused))
    if (found.length === 0 && !json && !values.quiet) {
      if (searched + pruned === 0 && pending === 0) tellNone(chain.size(), terminal)
      else if (searched + pruned > 0) terminal.say(noneText(searched, pruned))
    }
    return 0
  })
}

function noneText(searched: number, pruned: number): string {
  const unread =
    pruned === 0 ? '' : `; ${plural(pruned, 'block was pruned and has', 'blocks were pruned and have')} no text`
  return `op-dbus: nothing found in ${plural(searched, 'block', 'blocks')}${unread}`
}

function refusedText(refused: number): string {
  const blocks = plural(refused, 'block', 'blocks')
  return `op-dbus: search by meaning cannot find ${blocks}: damaged, or refused by the model; op-dbus blockchain verify --full tells of damage`
}
