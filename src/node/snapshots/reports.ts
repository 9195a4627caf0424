// What exports and imports of snapshots take and tell. Types only; part of the Node root.

export interface SnapshotCall {
  /** One space alone, by its 32 hex digits or the beginning of them, at least four; default all. */
  readonly space?: string | undefined
  /** Plain http to an S3 service that is not on this machine. Default false. */
  readonly allowHttp?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  /** Told as bytes come along. Must not throw. */
  readonly onProgress?: ((progress: SnapshotProgress) => void) | undefined
}

export interface SnapshotProgress {
  readonly space: string
  /** Segments that are dealt with, of how many, in this space. */
  readonly segments: number
  readonly ofSegments: number
  /** Bytes that are dealt with, of how many, in all spaces that are known so far. */
  readonly bytes: number
  readonly ofBytes: number
}

interface SpaceMoved {
  readonly space: string
  readonly description: Readonly<Record<string, string | number | boolean>>
}

export interface ExportReport {
  readonly at: string
  readonly spaces: readonly ExportedSpace[]
}

export interface ExportedSpace extends SpaceMoved {
  /** The number of the snapshot that holds what is here: a new one, or the newest where nothing has changed since. */
  readonly snapshot: number
  readonly changed: boolean
  /** All that belongs to it. */
  readonly segments: number
  readonly records: number
  readonly bytes: number
  /** What was not there yet. `mended`: how many of these segments were there with another length, and were put in its place. */
  readonly sent: { readonly segments: number; readonly bytes: number; readonly mended: number }
  /** Segments that are still being written: of these the records that were finished. */
  readonly unsealed: number
}

export interface ImportReport {
  readonly at: string
  readonly spaces: readonly ImportedSpace[]
}

export interface ImportedSpace extends SpaceMoved {
  readonly snapshot: number
  /** When it was made, as ISO 8601. */
  readonly made: string
  /** What came in. */
  readonly segments: number
  readonly records: number
  readonly bytes: number
  /** Segments that were here already. */
  readonly there: number
  /** The oldest segments, for which the budget of embeddings on disk (`embeddingDiskBytes`) had no room. */
  readonly leftOut: { readonly segments: number; readonly bytes: number }
}
