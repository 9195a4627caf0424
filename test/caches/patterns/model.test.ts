// Patterns on real models and generated logs: every vector that a verified pattern served is computed exactly as well, and
// what template mode saves is counted. Prints what it measured.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openCaches, type PatternSetting } from 'op-dbus'
import { describe, expect, it } from 'vitest'
import { alertLines, logLines } from '../../../src/sample-lines.js'
import { root } from '../../processes.js'
import { temporaryFolder } from '../../support.js'

const miniLm = join(root, '../shared/models/all-MiniLM-L6-v2')
const noMiniLm = existsSync(miniLm) ? undefined : `${miniLm} is not there`

interface Outcome {
  readonly sources: readonly string[]
  readonly hits: number
  readonly ms: number
  readonly worst: number
}

/** Embeds `lines` under `patterns` on an empty cache, and compares every served vector with the exact one. */
async function measure(model: string, lines: readonly string[], patterns: PatternSetting): Promise<Outcome> {
  const caches = await openCaches({ model, dir: temporaryFolder(), patterns, onWarning: () => {} })
  const exactly = await openCaches({ model, dir: temporaryFolder(), onWarning: () => {} })
  try {
    // The model is loaded before the clock runs.
    await caches.embeddings.getOrEmbed('warm')
    const start = performance.now()
    const { sources, matrix, dims, bound } = await caches.embeddings.embedMany(lines)
    const ms = performance.now() - start
    const served = lines.flatMap((_, i) => (sources[i] === 'pattern' ? [i] : []))
    let worst = 0
    if (bound !== undefined) {
      const exact = await exactly.embeddings.embedMany(served.map(i => lines[i]!))
      for (const [row, i] of served.entries()) {
        let sum = 0
        for (let d = 0; d < dims; d++) sum += (matrix[i * dims + d]! - exact.matrix[row * dims + d]!) ** 2
        worst = Math.max(worst, Math.sqrt(sum))
      }
      expect(worst).toBeLessThanOrEqual(bound)
    }
    return { sources, hits: served.length, ms, worst }
  } finally {
    await caches.close()
    await exactly.close()
  }
}

function print(what: string, lines: readonly string[], { hits, ms, worst }: Outcome, bound?: number): void {
  const share = Math.round((100 * hits) / lines.length)
  const error = bound === undefined ? '' : `, worst error ${worst.toFixed(3)}, bound ${bound}`
  console.log(`${what}: ${hits} of ${lines.length} lines (${share} %) by pattern, ${Math.round(ms)} ms${error}`)
}

/** Without checks of hits, which would hide by chance what must hold without them. */
const verified = (epsilon?: number): PatternSetting => ({ mode: 'verified', epsilon, checkShare: 0 })

describe('the built-in model', () => {
  it('template: every line after the first of its template is a hit, and the model is asked that much less', async () => {
    const lines = [...new Set(logLines(500, 5))]
    const off = await measure('builtin', lines, 'off')
    const template = await measure('builtin', lines, 'template')
    print('built-in, patterns off', lines, off)
    print('built-in, template', lines, template)
    expect(off.hits).toBe(0)
    expect(template.hits).toBeGreaterThan(0.2 * lines.length)
    expect(template.sources.filter(source => source === 'computed').length).toBe(lines.length - template.hits)
  })

  it('verified, default bound: on short lines it refuses rather than serve; nothing served is off its bound', async () => {
    const lines = [...new Set([...logLines(250, 5), ...alertLines(50, 5)])]
    print('built-in, verified', lines, await measure('builtin', lines, verified()), 0.14)
  })

  it('verified, a wider bound that its user chose: long lines are served, within it', async () => {
    const lines = alertLines(210, 7)
    const outcome = await measure('builtin', lines, verified(0.4))
    print('built-in, verified 0.4, alerts', lines, outcome, 0.4)
    expect(outcome.hits).toBeGreaterThan(60)
    expect(outcome.worst).toBeGreaterThan(0)
  })
})

describe.skipIf(noMiniLm)('MiniLM (skipped without ../shared/models)', () => {
  it('template and verified on the same lines', async () => {
    const lines = [...alertLines(36, 7), ...new Set(logLines(40, 5))]
    print('MiniLM, template', lines, await measure(miniLm, lines, 'template'))
    print('MiniLM, verified', lines, await measure(miniLm, lines, verified()), 0.14)
    print('MiniLM, verified 1', lines, await measure(miniLm, lines, verified(1)), 1)
  })
})
