// What `op-dbus blockchain verify|proof|export|import|key` say of themselves: what shows others that the chain is what was written.
import { command } from '../command.js'
import { FOLDERS, HEAD, MODEL, TOLD } from './blockchain-options.js'

const output = {
  short: 'o',
  value: 'FILE',
  help: 'Write to FILE instead of standard output, as a whole or not at all; devices, FIFOs and - in place.',
  completes: 'file',
} as const

export const chainVerify = command({
  name: 'blockchain verify',
  about: 'whether the chain is what was written',
  more:
    'Reads every block, and trusts no cache and no index: headers, hashes, links, saved and signed heads, the tree. Each fault is a line, and ' +
    'makes the exit code 7. What can be made anew (tree, index, vectors) says so, and is mended by whoever uses it.',
  options: {
    full: { help: 'Bodies as well, every byte of a line, the index, and the vectors as they lie there.' },
    vectors: { help: 'Also compute each vector of the model again, and compare.' },
    head: HEAD,
    key: {
      value: 'FILE|KEY',
      help: 'The verifier key that signed it, as "key" printed it. Default: those of this chain; a copy has none.',
      completes: 'file',
    },
    ...TOLD,
    ...FOLDERS,
    ...MODEL,
  },
  examples: ['op-dbus blockchain verify', 'op-dbus blockchain verify --full --head saved.checkpoint'],
  exitCodes: [3, 4, 5, 7, 8],
  run: async call => (await import('../run/blockchain/verify.js')).verifyCommand(call),
})

export const chainProof = command({
  name: 'blockchain proof',
  about: 'a file that proves to strangers that a block is there',
  more:
    'A proof of C2SP (tlog-proof), which other tools check with the key of "blockchain key". With --head also that the chain continues what ' +
    'was saved.',
  arguments: { usage: 'N|HASH|latest', help: 'Its number, its hash or at least 4 digits of it, or the latest.' },
  options: {
    head: {
      ...HEAD,
      help: 'A head that was saved before: prove as well, in FILE.consistency beside -o FILE, that the chain continues it.',
    },
    entry: { help: 'Write what the proof is of instead: the header, whose hash is that of the block.' },
    json: { help: 'Both, and all hashes, as JSON.' },
    output,
    ...FOLDERS,
  },
  examples: ['op-dbus blockchain proof 12 -o 12.tlog-proof', 'op-dbus blockchain proof 12 --head saved.checkpoint'],
  exitCodes: [7, 10],
  run: async call => (await import('../run/blockchain/proofs.js')).proofCommand(call),
})

export const chainHead = command({
  name: 'blockchain head',
  about: 'the signed head of now: save it, and compare later',
  more:
    'A checkpoint of C2SP: name, size and root hash, signed. Kept elsewhere it shows later whether what was there then is still there: ' +
    'verify --head.',
  options: { json: { help: 'The same, taken apart, as JSON.' }, output, ...FOLDERS },
  examples: ['op-dbus blockchain head -o saved.checkpoint', 'op-dbus blockchain head | ssh elsewhere tee -a heads'],
  exitCodes: [7, 10],
  run: async call => (await import('../run/blockchain/proofs.js')).headCommand(call),
})

export const chainExport = command({
  name: 'blockchain export',
  about: 'blocks into a file, or the log for any static host',
  more:
    'As JSON Lines, which import reads. With --tiles as a log of C2SP (tlog-tiles) with a signed checkpoint, into an empty folder or one ' +
    'that it wrote before: what is new, and what is not as it was.',
  options: {
    output,
    range: { value: 'A-B', help: 'Blocks A to B, both of them; A- is all from A on.', default: 'all' },
    tiles: { value: 'DIR', help: 'Write the log into DIR, in place of a file.', completes: 'folder' },
    ...FOLDERS,
  },
  examples: [
    'op-dbus blockchain export -o chain.jsonl',
    'op-dbus blockchain export --range 0-100',
    'op-dbus blockchain export --tiles public/log',
  ],
  exitCodes: [7, 10],
  run: async call => (await import('../run/blockchain/exchange.js')).exportCommand(call),
})

export const chainImport = command({
  name: 'blockchain import',
  about: 'blocks that were exported here or by other op-dbus',
  more:
    'What export wrote continues the chain, or begins it. A folder of the older op-dbus (timing/HASH.json) or of op-dbus-p1 ' +
    '(block-N.json) becomes new blocks; what in it cannot be verified is marked, not trusted.',
  arguments: { usage: 'PATH|-', help: 'A file, a folder, or - for standard input.', completes: 'file' },
  options: { ...TOLD, ...FOLDERS },
  examples: ['op-dbus blockchain import chain.jsonl', 'op-dbus blockchain import /var/lib/op-dbus/blockchain/timing'],
  exitCodes: [7, 10],
  run: async call => (await import('../run/blockchain/exchange.js')).importCommand(call),
})

export const chainKey = command({
  name: 'blockchain key',
  about: 'the verifier key, with which others check proofs',
  more: 'A line of text. The key that signs is made at the first use, and stays in the data folder.',
  options: {
    name: {
      value: 'NAME',
      help: 'What the log is called, where the key is not made yet: like a host, example.org/log.',
    },
    renew: {
      help: 'Make another key, and so another log, whose heads need not continue those of before. The old key is kept.',
    },
    json: { help: 'Also those of the keys before, as JSON.' },
    ...FOLDERS,
  },
  variables: ['logName'],
  examples: ['op-dbus blockchain key > log.pub', 'op-dbus blockchain key --name example.org/log'],
  exitCodes: [10],
  run: async call => (await import('../run/blockchain/proofs.js')).keyCommand(call),
})
