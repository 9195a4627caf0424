// What `op-dbus models list|pull|path|rm` say of themselves.
import { command } from '../command.js'
import { flagsOf } from '../flags.js'

/** Not `builtin`: it comes with the package, and is neither fetched nor removed. */
const LEVELS = ['low', 'medium', 'high'] as const

export const modelsList = command({
  name: 'models list',
  about: 'models on this machine, and levels that are not',
  options: { json: { help: 'The list as JSON.' }, ...flagsOf('dir') },
  examples: ['op-dbus models list'],
  exitCodes: [],
  run: async call => (await import('../run/models.js')).list(call),
})

export const modelsPull = command({
  name: 'models pull',
  about: 'fetch models from the hub',
  more: 'Every byte is verified and the commit recorded; later pulls bring the same one, unless --update.',
  arguments: { usage: 'NAME...', help: 'low, medium, high, or a hub id (org/name).', completes: LEVELS },
  options: {
    update: { help: 'Take what the hub has now, instead of the recorded commit.' },
    json: { help: 'What was fetched as JSON, one object a line.' },
    ...flagsOf('dtype', 'offline', 'dir'),
  },
  examples: ['op-dbus models pull medium', 'op-dbus models pull sentence-transformers/all-MiniLM-L6-v2 --dtype fp32'],
  exitCodes: [3, 8],
  run: async call => (await import('../run/models.js')).pull(call),
})

export const modelsPath = command({
  name: 'models path',
  about: 'print the folder of a model',
  arguments: { usage: 'NAME', help: 'A level or a hub id (org/name).', completes: LEVELS },
  options: flagsOf('dir'),
  examples: ['op-dbus models path medium'],
  exitCodes: [3],
  run: async call => (await import('../run/models.js')).path(call),
})

export const modelsRm = command({
  name: 'models rm',
  about: 'remove models from the cache',
  arguments: { usage: 'NAME...', help: 'Levels or hub ids (org/name).', completes: LEVELS },
  options: { force: { help: 'Also files that other tools keep of them.' }, ...flagsOf('dir') },
  examples: ['op-dbus models rm medium'],
  exitCodes: [3],
  run: async call => (await import('../run/models.js')).rm(call),
})
