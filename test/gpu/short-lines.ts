// Short lines of logs, all different: 6 to 20 tokens of MiniLM.
import { logLines } from '../bench/log-lines.js'

/** Characters. */
const SHORT = 64

export function shortLines(count: number): string[] {
  const lines: string[] = []
  for (let seed = 1; lines.length < count; seed++)
    for (const line of logLines(20_000, seed)) if (line.length <= SHORT) lines.push(`${line} #${lines.length}`)
  return lines.slice(0, count)
}
