// The contract of stores on real servers. For test files that have some.
import { beforeAll, describe, it } from 'vitest'
import { openRedisStore, type RedisStore } from '../../../src/stores/redis.js'
import { storeContract } from '../../../src/testing.js'
import type { Server } from './servers.js'

/** All of one suite work on one server, one after another; each medium begins with an empty one. */
export function contractOn(name: string, start: () => Promise<Server[]>, urlOf: (servers: Server[]) => string): void {
  describe(name, () => {
    let servers: Server[] = []
    beforeAll(async () => {
      servers = await start()
    }, 30_000)
    storeContract(
      name,
      {
        async medium() {
          for (const server of servers) await server.ask('FLUSHALL')
          const stores: RedisStore[] = []
          return {
            async open() {
              const store = openRedisStore({ url: urlOf(servers), readMs: 10_000, writeMs: 10_000 })
              stores.push(store)
              // It connects with the first call.
              await store.getMany([])
              await store.settle()
              return store
            },
            settle: async () => {
              for (const store of stores) await store.settle()
            },
          }
        },
        runs: 10,
      },
      { describe, it },
    )
  })
}

/** The URL of a cluster of these. */
export function clusterUrl(servers: readonly Server[]): string {
  return `redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
}
