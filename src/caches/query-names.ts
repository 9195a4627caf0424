// What the query cache's keys say: `name@version:scope`, a tab, and from where it is asked. Makes none and asks nobody.

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
