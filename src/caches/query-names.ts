// What the query cache's keys say: `name@version:scope`, a tab, and from where it is asked; and what is told of one. Makes none and asks nobody.
import type { Warn } from '../ports.js'

/**
 * What a plugin's answers are about. Its name up to the first tab; what stands behind that tells how they are got, and may differ between
 * processes that ask for the same: each keeps answers of its own, and a change that one tells makes the others' old as well.
 */
export function subjectOf(plugin: string): string {
  const end = plugin.indexOf('\t')
  return end < 0 ? plugin : plugin.slice(0, end)
}

/** The same for people: `net@1:unix:/x/db.sock` is `"net" (unix:/x/db.sock)`. A name of another form stays as it is. */
export function inWords(plugin: string): string {
  const subject = subjectOf(plugin)
  const [, name = subject, scope] = /^([^@:]+)@[^:]+(?::(.+))?$/s.exec(subject) ?? []
  return scope === undefined ? `"${name}"` : `"${name}" (${scope})`
}

/** Tells of answers that memory does not hold, the second time: a process that asks once, which is most of them, has no harm of it. */
export function tellTooLarge(warn: Warn): (plugin: string, bytes: number) => void {
  const seen = new Set<string>()
  return (plugin, bytes) => {
    if (!seen.has(plugin)) return void seen.add(plugin)
    warn(
      `what ${inWords(plugin)} answers is too large for memory (about ${(bytes / 1e6).toFixed(1)} MB): it is read from disk or asked anew each time`,
      undefined,
      `size of ${plugin}`,
    )
  }
}
