// What `op-dbus cache stats|clear|verify|export|import` say of themselves.
import { command } from '../command.js'
import { NO_DAEMON } from '../daemon.js'
import { flagsOf } from '../flags.js'

export const cacheStats = command({
  name: 'cache stats',
  about: 'what is cached, and how often it was of use',
  more: 'Where a daemon (op-dbus serve) runs on the cache folder, it is its memory that is shown.',
  options: { json: { help: 'Everything there is to tell, as JSON.' }, ...NO_DAEMON, ...flagsOf('cache') },
  examples: ['op-dbus cache stats', "op-dbus cache stats --json | jq '.embeddings.lifetime'"],
  exitCodes: [],
  run: async call => (await import('../run/cache.js')).stats(call),
})

export const cacheClear = command({
  name: 'cache clear',
  about: 'empty the caches named, or all',
  more: 'Only files of op-dbus are touched, and every running process notices. It asks for no confirmation. Vectors that machines share (OPDBUS_SHARED_URL) stay, and come back from there, unless --shared says otherwise.',
  options: {
    embeddings: { help: 'Embeddings, of every model.' },
    embedding: { help: 'The same.', hidden: true },
    blocks: { help: 'Blocks.' },
    queries: { help: 'Answers of plugins.' },
    diffs: { help: 'Diffs, which are in memory only.' },
    shared: { help: 'Also the embeddings that machines share: all of them compute again.' },
    force: { help: 'For scripts that say it; there is nothing to confirm.', hidden: true },
    ...NO_DAEMON,
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

const TARGET = { usage: 'TARGET', help: 's3://bucket/prefix, or a folder.', completes: 'folder' } as const
const SNAPSHOT_OPTIONS = {
  space: { value: 'HEX', help: 'One space alone, by the beginning of its number.' },
  'allow-http': { help: 'Plain http to an S3 service that is not on this machine.' },
  json: { help: 'The report as JSON.' },
  ...flagsOf('cache'),
} as const
const S3 =
  'S3 takes AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, and AWS_ENDPOINT_URL_S3 where it is not Amazon.'

export const cacheExport = command({
  name: 'cache export',
  about: 'add a snapshot of all embeddings to S3 or a folder',
  more: `Only what is not there yet is sent, and what was cut there is sent again. ${S3}`,
  arguments: TARGET,
  options: SNAPSHOT_OPTIONS,
  examples: ['op-dbus cache export s3://my-bucket/op-dbus', 'op-dbus cache export /mnt/backup/op-dbus'],
  exitCodes: [],
  run: async call => (await import('../run/snapshots.js')).exportTo(call),
})

export const cacheImport = command({
  name: 'cache import',
  about: 'take in the newest snapshot of S3 or a folder',
  more: `Every byte is checked, and nothing that is here is replaced. Import only what you trust as you do your own cache. ${S3}`,
  arguments: TARGET,
  options: SNAPSHOT_OPTIONS,
  examples: ['op-dbus cache import s3://my-bucket/op-dbus'],
  exitCodes: [7],
  run: async call => (await import('../run/snapshots.js')).importFrom(call),
})
