// What `op-dbus blockchain list|show|add|follow|search|stats` say of themselves: blocks that come, and blocks that are found.
import { command } from '../command.js'
import { FILTER, FOLDERS, MODEL, TOLD, TOLD_IN_LINES } from './blockchain-options.js'

export const chainAdd = command({
  name: 'blockchain add',
  about: 'remember what was done: footprints become blocks',
  more:
    'A footprint is JSON: { "plugin_id": "net", "operation": "apply" }, and what there is of timestamp (Unix seconds), data, metadata, text. ' +
    'One document, a list, or one a line. Of each, number and hash are printed once its block is on the disk.',
  arguments: { usage: 'FILE|-', help: 'Footprints as JSON; - is standard input.', completes: 'file' },
  options: {
    each: { help: 'Add each line as it comes, until the input ends. Without it all become blocks together, or none.' },
    ...TOLD_IN_LINES,
    ...FOLDERS,
  },
  examples: [
    `echo '{"plugin_id":"net","operation":"apply","data":{"mtu":9000}}' | op-dbus blockchain add -`,
    'op-dbus blockchain add footprints.jsonl',
    'tail -f footprints.jsonl | op-dbus blockchain add - --each',
  ],
  exitCodes: [7],
  run: async call => (await import('../run/blockchain/add.js')).addCommand(call),
})

export const chainList = command({
  name: 'blockchain list',
  about: 'the newest blocks, newest first',
  options: {
    limit: { value: 'N', help: 'How many, at most.', default: '20' },
    ...FILTER,
    ...TOLD_IN_LINES,
    ...FOLDERS,
  },
  examples: ['op-dbus blockchain list --since 1h --plugin net', 'op-dbus blockchain list --limit 100 --json'],
  exitCodes: [7],
  run: async call => (await import('../run/blockchain/show.js')).listCommand(call),
})

export const chainShow = command({
  name: 'blockchain show',
  about: 'one block, with all that is in it',
  arguments: { usage: 'N|HASH|latest', help: 'Its number, its hash or at least 4 digits of it, or the latest.' },
  options: { ...TOLD, ...FOLDERS },
  examples: ['op-dbus blockchain show latest', 'op-dbus blockchain show 0', 'op-dbus blockchain show b5dd479749'],
  exitCodes: [7],
  run: async call => (await import('../run/blockchain/show.js')).showCommand(call),
})

export const chainFollow = command({
  name: 'blockchain follow',
  about: 'blocks as they come, until Ctrl+C',
  more: 'Whichever process adds them.',
  options: {
    from: { value: 'N', help: 'Begin with block N. Without it only blocks to come are told.' },
    ...TOLD_IN_LINES,
    ...FOLDERS,
  },
  examples: ['op-dbus blockchain follow', 'op-dbus blockchain follow --from 0 --json'],
  exitCodes: [7],
  run: async call => (await import('../run/blockchain/show.js')).followCommand(call),
})

export const chainSearch = command({
  name: 'blockchain search',
  about: 'blocks by meaning, or by what stands in their text',
  more:
    'Exact: every block that fits is compared. A search first makes the vectors that are missing, and shows how far it is; Ctrl+C ends that, ' +
    'and what was made stays. Scores: the cosine, from -1 to 1; with --hybrid the sum of 1 / (60 + rank) over both rankings; with --text 1.',
  arguments: { usage: 'TEXT', help: 'What is looked for.' },
  options: {
    top: { short: 'k', value: 'N', help: 'How many, best first.', default: '10' },
    text: { help: 'Blocks whose text holds these words as they are, whatever their case. No model is needed.' },
    hybrid: { help: 'By meaning and by its words, of which rare ones count more, the two put together by rank.' },
    ...FILTER,
    ...TOLD_IN_LINES,
    ...FOLDERS,
    ...MODEL,
  },
  examples: [
    'op-dbus blockchain search "container removed"',
    'op-dbus blockchain search "container removed" -k 3 --plugin lxc --since 7d',
    'op-dbus blockchain search eth0 --text --json',
  ],
  exitCodes: [3, 4, 5, 7, 8],
  run: async call => (await import('../run/blockchain/search.js')).searchCommand(call),
})

export const chainStats = command({
  name: 'blockchain stats',
  about: 'how many blocks, of whom, and what they take',
  more: 'Reads every block: seconds for a million of them. No model is opened.',
  options: { ...TOLD, ...FOLDERS },
  examples: ['op-dbus blockchain stats'],
  exitCodes: [7],
  run: async call => (await import('../run/blockchain/stats.js')).statsCommand(call),
})
