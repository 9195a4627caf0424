// Runs before all tests: programs that have to be installed are there before the files that look for them or their parts, and no
// two files install at once.
import type { TestProject } from 'vitest/node'
import { ensureChromium } from './browser/chromium.js'
import { ensureEngines } from './browser/engines/find.js'
import { ensureParts } from './real/parts.js'

export async function setup(project: TestProject): Promise<void> {
  // Where there is none to be had, the files that need one fail and say how to get it.
  await ensureChromium().catch(() => undefined)
  project.provide('engines', await ensureEngines())
  project.provide('parts', await ensureParts())
}
