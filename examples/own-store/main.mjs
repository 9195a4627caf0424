// A store of one's own as the tier that machines share: what one has computed, the others find there.
//
//   node examples/own-store/main.mjs /mnt/shared "Created container 100"
//
// Prints where each vector came from: `computed` the first time, `shared` on the next machine, `disk` and `memory` when it is nearer.
// A store that is slow, dead or wrong delays a look-up by at most `timeoutMs` and fails none.
import { openCaches } from 'op-dbus'
import { FolderStore } from './folder-store.mjs'

const [dir, ...texts] = process.argv.slice(2)
if (!dir || texts.length === 0) throw new Error('give a folder, and texts')

const store = new FolderStore(dir)
const caches = await openCaches({ shared: { store, timeoutMs: 200 } })
for (const text of texts) {
  const { source } = await caches.embeddings.getOrEmbed(text)
  console.log(`${source.padEnd(8)}  ${text}`)
}
// The caches write what is pending; whoever opened a store closes it.
await caches.close()
await store.close()
