// A question that somebody at a terminal answers. Decides nothing.
import { isTerminal } from './descriptor.js'
import { openInput } from './input.js'
import type { Terminal } from './terminal.js'

/** There is somebody to ask: a terminal shows the question, and one answers. */
export function canAsk(): boolean {
  return isTerminal(0) && isTerminal(2)
}

/** True for `y` and `yes` alone. */
export async function saysYes(question: string, terminal: Terminal): Promise<boolean> {
  const input = await openInput('-', terminal.signal)
  terminal.status(`${question} [y/N] `)
  try {
    for await (const line of input.lines) return /^y(es)?$/i.test(line.trim())
    return false
  } finally {
    // The answer has ended the line.
    terminal.status('')
    input.close()
  }
}
