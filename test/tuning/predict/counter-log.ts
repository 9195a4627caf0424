// Lines as programs write them that count: several counters, interleaved, with noise between. No line of any real log.

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** About `count` lines: half of them from counters, one of which has two workers, one a line that follows; the rest is noise and repeats. */
export function counterLog(count: number, seed: number): string[] {
  const random = randomNumbers(seed)
  const numbers = [100, 5000, 1, 77]
  const lines: string[] = []
  while (lines.length < count) {
    const which = Math.floor(random() * 6)
    if (which === 4)
      lines.push(
        `user ${random().toString(36).slice(2, 8)} logged in from port ${Math.floor(1024 + random() * 60_000)}`,
      )
    else if (which === 5) lines.push('health check passed')
    else {
      const number = numbers[which]!
      numbers[which] = number + (which === 1 ? 64 : 1)
      if (which === 0)
        lines.push(`Created container ${number}`, `Started container ${number} on node-${1 + Math.floor(random() * 2)}`)
      else if (which === 1) lines.push(`flushed partition 3 up to offset ${number}`)
      else lines.push(`worker-${which} finished job ${number}`)
    }
  }
  return lines
}
