// The chain as it was, kept under a name. To be written by its owner.
import { OpDbusError } from '../errors.js'
import type { ChainParts } from './chain-parts.js'
import type { WriteCall } from './ports.js'
import type { RestoreReport, SnapshotCall, SnapshotInfo, SnapshotPruneCall, SnapshotPruneReport } from './reports.js'

export async function makeSnapshot(
  _parts: ChainParts,
  _name: string | undefined,
  _call: WriteCall,
): Promise<SnapshotInfo> {
  throw new OpDbusError('CLOSED', 'not built yet')
}

export async function listSnapshots(_parts: ChainParts, _call: SnapshotCall): Promise<readonly SnapshotInfo[]> {
  throw new OpDbusError('CLOSED', 'not built yet')
}

export async function restoreSnapshot(_parts: ChainParts, _name: string, _call: WriteCall): Promise<RestoreReport> {
  throw new OpDbusError('CLOSED', 'not built yet')
}

export async function deleteSnapshot(_parts: ChainParts, _name: string): Promise<void> {
  throw new OpDbusError('CLOSED', 'not built yet')
}

export async function pruneSnapshots(_parts: ChainParts, _call: SnapshotPruneCall): Promise<SnapshotPruneReport> {
  throw new OpDbusError('CLOSED', 'not built yet')
}
