// The same lines twice, behind LangChain's cache over its file store and behind ours, over one embedder that costs nothing.
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { logLines } from '../log-lines.js'
import { type Cost, costOf, median, roundsOf } from '../measure.js'
import { loadLangChain } from '../peers/langchain.js'
import type { Bench, Measured, RowGroup } from '../row.js'
import { cheapEmbedder, checkCheapRows, DIMS, mustNotCompute } from './fixtures.js'

const LINES = 1000

export const langchain: RowGroup = {
  id: 'langchain',
  async run({ library, folder, rounds, progress }: Bench): Promise<Measured[]> {
    const langChain = await loadLangChain()
    const lines = logLines(LINES)

    /** The costs of both passes. Each has a cache of its own over the same folder, so that the second is from disk. */
    const twice = async (
      name: string,
      pass: (dir: string, second: boolean) => Promise<Float32Array>,
    ): Promise<Cost[]> => {
      const dir = await mkdtemp(join(folder, 'round-'))
      const costs: Cost[] = []
      for (const second of [false, true]) {
        let matrix: Float32Array = new Float32Array()
        costs.push(await costOf(async () => (matrix = await pass(dir, second))))
        checkCheapRows(name, matrix, lines)
      }
      return costs
    }
    const ours = async (dir: string, second: boolean) => {
      const caches = await library.openCaches({ dir, embedder: second ? mustNotCompute : cheapEmbedder })
      const { matrix } = await caches.embeddings.embedMany(lines)
      await caches.close()
      return matrix
    }
    const theirs = async (dir: string, second: boolean) => {
      const embedder = second ? mustNotCompute : cheapEmbedder
      const cache = await langChain.open(dir, async texts => rowsOf(await embedder.embed(texts)))
      return Float32Array.from((await cache.embedDocuments(lines)).flat())
    }
    const [our = [], their = []] = await roundsOf(
      [{ round: () => twice('op-dbus', ours) }, { round: () => twice('LangChain', theirs) }],
      rounds,
      round => progress(`round ${round} of ${rounds}`),
    )
    const figure = (rounds: readonly Cost[][], pass: number) =>
      (median(rounds.map(costs => costs[pass]!.process)) / LINES) * 1e6
    const name = 'LangChain CacheBackedEmbeddings, LocalFileStore'
    return ['never seen', 'seen before, from disk'].map((what, pass) => ({
      id: `langchain-${pass === 0 ? 'first' : 'second'}`,
      what: `a text of ${LINES.toLocaleString('en')} lines, ${what}: CPU of all threads`,
      unit: 'µs',
      ours: figure(our, pass),
      peer: { name, value: figure(their, pass) },
    }))
  },
}

function rowsOf(matrix: Float32Array): number[][] {
  return Array.from({ length: matrix.length / DIMS }, (_, row) => [...matrix.subarray(row * DIMS, (row + 1) * DIMS)])
}
