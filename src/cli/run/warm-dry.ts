// `op-dbus cache warm --dry-run` of texts: how many are there, how many would be computed, and how long that would take by a few that are
// computed for it and kept nowhere.
import { count, duration, plural } from '../../format.js'
import { openCaches } from '../../node.js'
import { openInput } from '../input.js'
import { settingsOf } from '../settings.js'
import type { Terminal } from '../terminal.js'
import { batches, type WarmValues } from './warm-parts.js'

/** Texts that are computed to find out how fast that is. */
const SAMPLE = 32
/** Different texts that are told apart; beyond that each counts. */
const MOST_TOLD_APART = 1_000_000

export async function dryRun(path: string, embed: boolean, values: WarmValues, terminal: Terminal): Promise<number> {
  const { signal } = terminal
  const caches = await openCaches({ ...settingsOf(values, terminal), warmStart: false })
  const input = await openInput(path, signal)
  const absent = new Set<string>()
  let texts = 0
  let there = 0
  let more = 0
  const began = performance.now()
  try {
    for await (const some of batches(input.lines)) {
      for (const text of some) {
        signal.throwIfAborted()
        texts++
        if (await caches.embeddings.has(text)) there++
        else if (absent.size < MOST_TOLD_APART) absent.add(text)
        else more++
      }
      if (!values.quiet) terminal.status(`${count(texts)} texts, ${count(there)} on disk`)
    }
    const perText = (performance.now() - began) / Math.max(1, texts)
    const missing = absent.size + more
    const perComputed = embed && missing > 0 ? await timeOf([...absent].slice(0, SAMPLE)) : 0
    const seconds = (there * perText + missing * perComputed) / 1000
    const report = { dryRun: true, texts, there, absent: missing, toCompute: embed ? missing : 0, seconds }
    if (values.json) await terminal.out(`${JSON.stringify(report)}\n`)
    else if (!values.quiet) {
      const then = embed
        ? `${count(missing)} would be computed`
        : `${count(missing)} different ones are not, and would not be computed (--embed does)`
      terminal.say(
        `of ${plural(texts, 'text', 'texts')}, ${count(there)} are on disk; ${then}: about ${duration(1000 * seconds)}`,
      )
    }
    return 0
  } finally {
    terminal.status('')
    input.close()
    await caches.close()
  }

  /** Milliseconds for each: the second time, when the model is loaded. */
  async function timeOf(sample: readonly string[]): Promise<number> {
    await caches.embeddings.compute(sample.slice(0, 1), { signal })
    const asked = performance.now()
    await caches.embeddings.compute(sample, { signal })
    return (performance.now() - asked) / sample.length
  }
}
