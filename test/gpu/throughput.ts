// Texts a second through the miss path of the cache, disk on, by the size of the caller's batch; and what each thread did meanwhile.
import { join } from 'node:path'
import type { DeviceChoice } from '../../src/options.js'
import type { Library } from '../bench/library.js'
import type { Setup } from './models.js'
import { shortLines } from './short-lines.js'
import { type ThreadTime, threadTimes } from './threads.js'

const BATCHES = [1, 32, 256, 2048, 16_384, 65_536]
/** Texts before the first figure: sessions warm up, and the budget of a batch is found. */
const WARM = 65_536

export interface ThroughputRow {
  readonly what: string
  readonly device: string
  readonly batch: number
  readonly texts: number
  readonly textsPerSecond: number
  /** Padded tokens in a batch of the device, as it was found. */
  readonly budget: number | undefined
  /** The busiest threads of all processes, by their share of the wall time. */
  readonly threads: readonly ThreadTime[]
}

export async function throughput(
  library: Library,
  setups: readonly Setup[],
  { limitMs, workers }: { limitMs: number; workers: number | undefined },
  folder: string,
  print: (text: string) => void,
): Promise<unknown[]> {
  const rows: unknown[] = []
  const texts = shortLines(250_000)
  for (const [index, { label, model, dtype, device }] of setups.entries()) {
    const dir = join(folder, `throughput-${index}`)
    const caches = await library.openCaches({
      dir,
      model,
      dtype,
      device: device as DeviceChoice,
      maxQueue: 131_072,
      workers,
    })
    let next = 0
    const take = (count: number) => {
      if (next + count > texts.length) next = 0
      next += count
      return texts.slice(next - count, next)
    }
    try {
      const since = performance.now()
      // On a CPU fewer texts are warmth enough.
      while (next < WARM && performance.now() - since < 2 * limitMs) await caches.embeddings.embedMany(take(1024))
      let textsPerSecond = (1000 * next) / (performance.now() - since)
      for (const batch of BATCHES) {
        // What would take too long is left out: nobody asks a slow device for so many.
        if (batch > (textsPerSecond * 3 * limitMs) / 1000) continue
        await caches.clear()
        const before = threadTimes()
        const start = performance.now()
        let done = 0
        do {
          await caches.embeddings.embedMany(take(batch))
          done += batch
        } while (performance.now() - start < limitMs / 2 && done < 2 * Math.max(batch, 8192))
        const ms = performance.now() - start
        const threads = threadTimes(before, ms).slice(0, 8)
        const { running } = (await caches.stats()).embeddings
        textsPerSecond = Math.round((1000 * done) / ms)
        const row = { what: label, device, batch, texts: done, textsPerSecond, budget: running?.batchTokens, threads }
        rows.push(row)
        const shares = threads
          .filter(one => one.share >= 0.03)
          .map(one => `${one.name} ${Math.round(100 * one.share)}%`)
        print(
          `${device.padEnd(7)}${label.padEnd(14)}batch ${String(batch).padStart(6)} ${String(textsPerSecond).padStart(7)} texts/s  ${shares.join(', ')}\n`,
        )
      }
    } catch (error) {
      rows.push({ what: label, device, refused: (error as Error).message })
      print(`${device.padEnd(7)}${label.padEnd(14)}${(error as Error).message}\n`)
    } finally {
      await caches.close()
    }
  }
  return rows
}
