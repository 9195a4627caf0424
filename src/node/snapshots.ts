// Snapshots of the embeddings on disk, in a bucket of S3 or in a folder. Part of the Node root; what does it is loaded when it is called.
import type { OpenOptions } from './options.js'
import type { ExportReport, ImportReport, SnapshotCall } from './snapshots/reports.js'

export type {
  ExportedSpace,
  ExportReport,
  ImportedSpace,
  ImportReport,
  SnapshotCall,
  SnapshotProgress,
} from './snapshots/reports.js'

/**
 * Adds a snapshot of the embeddings on disk to `target`, which is `s3://bucket/prefix` or a folder. Only what is not there yet is sent, also
 * after an export that was cut off. Of segments that some process still writes, the finished records go along. Credentials, region and
 * address of S3 come from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` and `AWS_ENDPOINT_URL_S3`.
 * @throws OpDbusError INVALID_INPUT for a target or a space that cannot be, STORE for what a disk or the service says, ABORTED
 */
export async function exportEmbeddings(
  target: string,
  options?: OpenOptions,
  call?: SnapshotCall,
): Promise<ExportReport> {
  return (await import('./snapshots/export.js')).exportEmbeddings(target, options, call)
}

/**
 * Puts the newest snapshot of each space in `target` beside what the cache folder holds, the newest vectors first, as many as
 * `embeddingDiskBytes` has room for. Every byte is checked before it is put in its place, and nothing that is here is replaced; an import
 * that was cut off goes on where it was. Processes that use the folder serve the vectors from then on.
 * @throws OpDbusError INVALID_INPUT for a target or a space that cannot be, or holds no snapshot; STORE for what a disk or the service says,
 * and for a manifest that is refused (`details.why`: `damaged`, `version`); BatchError (PARTIAL_FAILURE) where segments were refused: all
 * others are in, and `details.report` is the {@link ImportReport} of them; ABORTED
 */
export async function importEmbeddings(
  target: string,
  options?: OpenOptions,
  call?: SnapshotCall,
): Promise<ImportReport> {
  return (await import('./snapshots/import.js')).importEmbeddings(target, options, call)
}
