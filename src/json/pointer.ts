// JSON pointers (RFC 6901): where in a document a value stands. Pure.

/** `/external_ids/owner`; the whole document is ''. */
export function pointerTo(path: readonly (string | number)[]): string {
  return path.map(step).join('')
}

/** One step of a pointer: `/` and the name, with `~` and `/` escaped. */
export function step(name: string | number): string {
  return `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** The names on the way; undefined for what is no pointer. */
export function stepsOf(pointer: string): string[] | undefined {
  if (pointer === '') return []
  if (!pointer.startsWith('/')) return undefined
  return pointer
    .slice(1)
    .split('/')
    .map(name => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}
