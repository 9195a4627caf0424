// The store of examples/own-store keeps the contract of all stores, and two caches that share it compute once.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FolderStore } from '../../examples/own-store/folder-store.mjs'
import { storeContract } from '../../src/testing.js'
import { root, runNode } from '../processes.js'
import { newFolder, temporaryFolder } from '../support.js'

it('what one machine computed, the next finds in the store that both share', async () => {
  const shared = temporaryFolder()
  const onMachine = (dir: string) =>
    runNode([join(root, 'examples/own-store/main.mjs'), shared, 'eth0: link is up'], {
      env: { HOME: dir, OPDBUS_CACHE_DIR: join(dir, 'cache') },
    })
  const first = temporaryFolder()
  expect(await onMachine(first)).toMatchObject({ code: 0, stdout: 'computed  eth0: link is up\n', stderr: '' })
  expect(await onMachine(temporaryFolder())).toMatchObject({ stdout: 'shared    eth0: link is up\n', stderr: '' })
  expect(await onMachine(first)).toMatchObject({ stdout: 'disk      eth0: link is up\n', stderr: '' })
})

storeContract(
  'the folder of examples/own-store',
  {
    medium: () => {
      const dir = newFolder()
      const remove = () => rmSync(dir, { recursive: true, force: true })
      return { open: () => new FolderStore(dir), settle: () => {}, remove }
    },
    skips: { sync: 'a network folder is waited for' },
    runs: 8,
  },
  { describe, it },
)
