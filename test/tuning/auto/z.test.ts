import { it } from 'vitest'
import { openCaches } from '../../../src/node.js'
import { mkdtempSync } from 'node:fs'
it('ratio', async () => {
  const open = (autotune: boolean) => openCaches({ dir: mkdtempSync('/tmp/autob/'), autotune, embeddingDiskCache: false, embedder: { space: 't', dims: 384, embed: async (t: readonly string[]) => new Float32Array(384 * t.length) } })
  const [off, on] = [await open(false), await open(true)]
  const texts = Array.from({ length: 9000 }, (_, i) => `some text of a usual length number ${i}`)
  for (const s of [off, on]) await s.embeddings.embedMany(texts)
  const view = (s: any) => { const t = performance.now(); for (let r = 0; r < 1; r++) for (const x of texts) s.embeddings.view(x); return (performance.now() - t) * 1e6 / texts.length }
  const get = async (s: any) => { const t = performance.now(); for (let r = 0; r < 1; r++) for (const x of texts) await s.embeddings.getOrEmbed(x); return (performance.now() - t) * 1e6 / texts.length }
  const many = async (s: any) => { const t = performance.now(); for (let r = 0; r < 2; r++) await s.embeddings.embedMany(texts.slice(0, 1024)); return (performance.now() - t) * 1e6 / (2 * 1024) }
  const med = (a: number[]) => a.sort((x, y) => x - y)[a.length >> 1]!
  for (const [name, f] of [['view', view], ['get', get], ['many', many]] as const) {
    const a: number[] = [], b: number[] = []
    for (let i = 0; i < 300; i++) { a.push(await f(off)); b.push(await f(on)); await new Promise(r => setTimeout(r, 10)) }
    console.log(name, 'off', med(a).toFixed(0), 'on', med(b).toFixed(0), 'ratio', (med(b) / med(a)).toFixed(2), 'nsmin', Math.min(...a).toFixed(0), Math.min(...b).toFixed(0), (Math.min(...b)/Math.min(...a)).toFixed(2))
  }
  await off.close(); await on.close()
}, 100000)
