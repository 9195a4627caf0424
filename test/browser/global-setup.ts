// Runs before all tests: a browser that has to be installed is there before the files that look for it or its parts.
import { ensureChromium } from './chromium.js'

export async function setup(): Promise<void> {
  // Where there is none to be had, the files that need one fail and say how to get it.
  await ensureChromium().catch(() => undefined)
}
