// A 32-bit hash of a text, for what only has to be told apart nearly always: policies, samples. Never a key.

/** Longer texts are known by so many of their characters, evenly spread, and by their length. */
const MOST_CHARACTERS = 1024

/** FNV-1a over UTF-16 units, then the finish of MurmurHash3, so that each bit is good for a sample. Never 0. */
export function hashText(text: string): number {
  const { length } = text
  const step = length > MOST_CHARACTERS ? length / MOST_CHARACTERS : 1
  let hash = 0x811c9dc5 ^ length
  for (let at = 0; at < length; at += step) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0 || 1
}
