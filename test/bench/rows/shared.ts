// 64 vectors from a Redis that machines share, against the bare command of node-redis; what one costs that is dead; and how soon a clear on one
// machine is known on another.
import { RESP_TYPES, RedisClient } from '@redis/client'
import type { Key } from '../../../src/ports.js'
import { openRedisStore } from '../../../src/stores/redis.js'
import { redisServer, startServer, stopAll } from '../../stores/redis/servers.js'
import { freePort } from '../../waiting.js'
import { median, takeTurns } from '../measure.js'
import { type Bench, type Measured, type RowGroup, Skipped, WrongAnswer } from '../row.js'
import { cheapEmbedder, checkCheapRows, DIMS, mustNotCompute } from './fixtures.js'

const TEXTS = Array.from({ length: 64 }, (_, i) => `text that machines share, number ${i}`)
const CALLS = 100

export const shared: RowGroup = {
  id: 'shared',
  async run({ library, rounds, progress }: Bench): Promise<Measured[]> {
    if (redisServer === undefined) throw new Skipped('no redis-server; apt install redis-server')
    const server = await startServer()
    try {
      const open = (sharedUrl: string, embedder = cheapEmbedder) =>
        library.openCaches({
          sharedUrl,
          embedder,
          embeddingDiskCache: false,
          embeddingCacheSize: 0,
          onWarning: () => {},
        })
      const first = await open(server.url)
      await first.embeddings.embedMany(TEXTS)
      await first.embeddings.stats()
      const second = await open(server.url, mustNotCompute)
      const ours = () => second.embeddings.embedMany(TEXTS)
      const { matrix, sources } = await ours()
      checkCheapRows('op-dbus', matrix, TEXTS)
      if (sources.some(source => source !== 'shared')) throw new WrongAnswer('op-dbus did not ask the shared cache')

      const bare = new RedisClient({
        RESP: 2,
        socket: { host: '127.0.0.1', port: server.port },
        commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
      })
      await bare.connect()
      const [, names] = (await bare.sendCommand(['SCAN', '0', 'MATCH', 'opdbus:v:*', 'COUNT', '1000'])) as unknown as [
        string,
        Buffer[],
      ]
      const keys = names.map(name => String(name).split(':').at(-1) as Key)
      const store = openRedisStore({ url: server.url })
      const getMany = async () => {
        if ((await store.getMany(keys))[63]!.length < 4 * DIMS) throw new WrongAnswer('the store gives something else')
      }
      const mGet = async () => {
        const values = (await bare.sendCommand(['MGET', ...names.map(String)])) as unknown as Buffer[]
        if (values.length !== 64 || values[63]!.length < 4 * DIMS) throw new WrongAnswer('mGet gives something else')
      }
      const timesOf = async (call: () => Promise<unknown>) => {
        const times: number[] = []
        for (let n = 0; n < CALLS; n++) {
          const began = performance.now()
          await call()
          times.push(performance.now() - began)
        }
        return median(times)
      }
      const [texts, our, their] = await takeTurns(
        [
          { name: 'op-dbus', round: () => timesOf(ours) },
          { name: 'the store', round: () => timesOf(getMany) },
          { name: 'mGet', round: () => timesOf(mGet) },
        ],
        rounds,
        round => progress(`round ${round} of ${rounds}`),
      )
      bare.destroy()
      await store.close()

      const clears: number[] = []
      for (let n = 0; n < 20; n++) {
        const told = new Promise<number>(resolve => {
          const stop = second.on('cleared', ({ elsewhere }) => {
            if (elsewhere) resolve(performance.now())
            stop()
          })
        })
        await first.clear({ embeddings: true, shared: true })
        const known = performance.now()
        clears.push(Math.max(0, (await told) - known))
      }
      await Promise.all([first.close(), second.close()])

      const dead = await open(`redis://127.0.0.1:${await freePort()}`)
      const without = await library.openCaches({
        embedder: cheapEmbedder,
        embeddingDiskCache: false,
        embeddingCacheSize: 0,
      })
      const newTexts = (caches: typeof dead) => {
        let n = 0
        return () => timesOf(() => caches.embeddings.getOrEmbed(`new ${n++}`))
      }
      const [withDead, withNone] = await takeTurns(
        [
          { name: 'dead', round: newTexts(dead) },
          { name: 'none', round: newTexts(without) },
        ],
        rounds,
      )
      await Promise.all([dead.close(), without.close()])
      return [
        {
          id: 'shared-64',
          what: `64 values of ${DIMS} floats from a Redis on this machine`,
          unit: 'ms',
          ours: our!,
          peer: { name: 'node-redis mGet', value: their! },
          hold: { side: 'at most', times: 1.3 },
        },
        {
          id: 'shared-64-texts',
          what: 'the same asked for by their texts: hashed, checked, copied to the caller',
          unit: 'ms',
          ours: texts!,
          peer: { name: 'node-redis mGet', value: their! },
        },
        {
          id: 'shared-dead',
          what: 'a text computed beside a Redis that is dead, at no cost of computing',
          unit: 'ms',
          ours: withDead!,
          peer: { name: 'without one', value: withNone! },
          hold: { side: 'at most', times: 1, plus: 0.1 },
        },
        {
          id: 'shared-clear',
          what: 'a clear on one machine, until another one has dropped its memory',
          unit: 'ms',
          ours: median(clears),
          hold: { side: 'at most', plus: 50 },
        },
      ]
    } finally {
      await stopAll()
    }
  },
}
