// What `op-dbus blockchain prune|snapshot|snapshots|restore|repair` say of themselves: how long bodies stay, and how a chain comes back.
import { command } from '../command.js'
import { FOLDERS, TOLD, YES } from './blockchain-options.js'

export const chainPrune = command({
  name: 'blockchain prune',
  about: 'let bodies of old blocks go; hashes and proofs stay',
  more:
    'A body stays where any of the options keeps it. Where none is given, the newest of each of 5 hours, days, weeks and quarters stay, or ' +
    'of as many as OPDBUS_RETAIN_HOURLY, _DAILY, _WEEKLY and _QUARTERLY say. Hashes stay in every case, so that all proofs hold, and a ' +
    'block is added that says which bodies went. Snapshots keep what they have; with --snapshots it is they that go, whole.',
  options: {
    'keep-last': { value: 'N', help: 'Keep the N newest.' },
    'keep-within': { value: 'TIME', help: 'Keep what is younger: 36h, 30d, 8w.' },
    'keep-hourly': { value: 'N', help: 'Keep the newest of each of N hours.' },
    'keep-daily': { value: 'N', help: 'Keep the newest of each of N days.' },
    'keep-weekly': { value: 'N', help: 'Keep the newest of each of N weeks.' },
    'keep-quarterly': { value: 'N', help: 'Keep the newest of each of N quarters.' },
    everything: { help: 'Also where nothing would be kept.' },
    snapshots: { help: 'Remove snapshots instead; damaged ones stay.' },
    'dry-run': { short: 'n', help: 'Only say what would go.' },
    yes: YES,
    ...TOLD,
    ...FOLDERS,
  },
  examples: [
    'op-dbus blockchain prune --keep-within 30d --dry-run',
    'op-dbus blockchain prune --keep-last 10000 --yes',
    'op-dbus blockchain prune --snapshots --keep-daily 7',
  ],
  exitCodes: [7, 10],
  run: async call => (await import('../run/blockchain/keep.js')).pruneCommand(call),
})

export const chainSnapshot = command({
  name: 'blockchain snapshot',
  about: 'keep the chain as it is, or delete what was kept',
  more: 'The chain is read whole before: what is damaged is not kept. --delete asks first.',
  arguments: { usage: '[NAME]', help: 'What it is called; the time without it.', completes: 'snapshot' },
  options: { delete: { help: 'Delete the snapshot of that name.' }, yes: YES, ...TOLD, ...FOLDERS },
  examples: [
    'op-dbus blockchain snapshot',
    'op-dbus blockchain snapshot before-update',
    'op-dbus blockchain snapshot --delete before-update',
  ],
  exitCodes: [7, 10],
  run: async call => (await import('../run/blockchain/keep.js')).snapshotCommand(call),
})

export const chainSnapshots = command({
  name: 'blockchain snapshots',
  about: 'which snapshots there are',
  options: { ...TOLD, ...FOLDERS },
  examples: ['op-dbus blockchain snapshots'],
  exitCodes: [],
  run: async call => (await import('../run/blockchain/keep.js')).snapshotsCommand(call),
})

export const chainRestore = command({
  name: 'blockchain restore',
  about: 'put back the chain of a snapshot; asks first',
  more: 'What the chain is now is kept as a snapshot as well.',
  arguments: { usage: 'NAME', help: 'Which snapshot.', completes: 'snapshot' },
  options: { yes: YES, ...TOLD, ...FOLDERS },
  examples: ['op-dbus blockchain restore before-update'],
  exitCodes: [7, 10],
  run: async call => (await import('../run/blockchain/keep.js')).restoreCommand(call),
})

export const chainRepair = command({
  name: 'blockchain repair',
  about: 'make a damaged chain take blocks again; asks first',
  more:
    'Cuts it behind the last block that is sound and follows the one before. All that was there is kept as a snapshot, before-repair- and ' +
    'the time, which is damaged as the chain was: it is to look into, not to restore. A block whose body alone is damaged stays, and so ' +
    'does its body unless --drop-bodies is given: then a block says which went.',
  options: {
    'dry-run': { short: 'n', help: 'Only say what is damaged, and what would stay.' },
    'drop-bodies': { help: 'Take damaged bodies away, as a prune does, and say which are missing.' },
    yes: YES,
    ...TOLD,
    ...FOLDERS,
  },
  examples: ['op-dbus blockchain repair --dry-run', 'op-dbus blockchain repair'],
  exitCodes: [7, 10],
  run: async call => (await import('../run/blockchain/repair.js')).repairCommand(call),
})
