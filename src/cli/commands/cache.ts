// What `op-dbus cache stats|clear|verify` say of themselves.
import { command } from '../command.js'
import { flagsOf } from '../flags.js'

export const cacheStats = command({
  name: 'cache stats',
  about: 'what is cached, and how often it was of use',
  options: { json: { help: 'Everything there is to tell, as JSON.' }, ...flagsOf('cache') },
  examples: ['op-dbus cache stats', "op-dbus cache stats --json | jq '.embeddings.lifetime'"],
  exitCodes: [],
  run: async call => (await import('../run/cache.js')).stats(call),
})

export const cacheClear = command({
  name: 'cache clear',
  about: 'empty the caches named, or all',
  more: 'Only files of op-dbus are touched, and every running process notices. It asks for no confirmation.',
  options: {
    embeddings: { help: 'Embeddings, of every model.' },
    embedding: { help: 'The same.', hidden: true },
    blocks: { help: 'Blocks.' },
    queries: { help: 'Answers of plugins.' },
    diffs: { help: 'Diffs, which are in memory only.' },
    force: { help: 'For scripts that say it; there is nothing to confirm.', hidden: true },
    ...flagsOf('cache'),
  },
  examples: ['op-dbus cache clear', 'op-dbus cache clear --embeddings'],
  exitCodes: [],
  run: async call => (await import('../run/cache.js')).clear(call),
})

export const cacheVerify = command({
  name: 'cache verify',
  about: 'read everything on disk and say what is damaged',
  options: { json: { help: 'The report as JSON.' }, ...flagsOf('cache') },
  examples: ['op-dbus cache verify'],
  exitCodes: [7],
  run: async call => (await import('../run/cache.js')).verify(call),
})
