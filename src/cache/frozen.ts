// Values that nobody can change any more, so that they can be shared without a copy. Knows no cache.

/** Freezes a JSON value to its leaves, in place, and returns it. Does not recurse, so that a very deep value is no danger. */
export function deepFreeze<T>(value: T): T {
  const stack: unknown[] = [value]
  const seen = new Set<object>()
  while (stack.length > 0) {
    const item = stack.pop()
    if (typeof item !== 'object' || item === null || seen.has(item)) continue
    seen.add(item)
    Object.freeze(item)
    for (const part of Object.values(item)) if (typeof part === 'object') stack.push(part)
  }
  return value
}
