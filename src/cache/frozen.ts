// Values that nobody can change any more, so that they can be shared without a copy. Knows no cache.

/** What was walked to its leaves: a large state is walked once, however often somebody wants to be sure of it. */
const walked = new WeakSet<object>()

/** Freezes a JSON value to its leaves, in place, and returns it. Does not recurse, so that a very deep value is no danger. */
export function deepFreeze<T>(value: T): T {
  const stack: unknown[] = [value]
  // Only of what was frozen before, which may hold something that is not: the rest is marked by being frozen.
  const seen = new Set<object>()
  while (stack.length > 0) {
    const item = stack.pop()
    if (typeof item !== 'object' || item === null || walked.has(item)) continue
    if (!Object.isFrozen(item)) Object.freeze(item)
    else if (seen.has(item)) continue
    else seen.add(item)
    for (const name of Object.keys(item)) {
      const part = (item as Readonly<Record<string, unknown>>)[name]
      if (typeof part === 'object') stack.push(part)
    }
  }
  if (typeof value === 'object' && value !== null) walked.add(value)
  return value
}
