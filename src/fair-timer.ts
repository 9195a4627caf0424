// A timer for how long somebody else is waited for: time that this thread kept itself from listening is not theirs. Pure but for the timer.

/** So many times at least this thread listens before the time is up, however busy it is. */
const PARTS = 4

/** Runs `run` after `ms`, unless cancelled: in parts, between which what has arrived is read. Keeps the process alive. */
export function fairTimer(ms: number, run: () => void): () => void {
  let parts = PARTS
  let handle = setTimeout(part, ms / PARTS)
  return () => clearTimeout(handle)

  function part(): void {
    if (--parts === 0) run()
    else handle = setTimeout(part, ms / PARTS)
  }
}
