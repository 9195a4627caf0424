// The manifest of the files that a page needs, as the build writes it beside them: its name and its form. Reads nothing.

/** It lies beside the files, in this package and in every folder that `op-dbus assets` has filled. */
export const ASSETS_MANIFEST = 'op-dbus-assets.json'

export interface AssetsManifest {
  readonly version: 1
  /** The version of this package. */
  readonly package: string
  /** By their paths in the folder. `dynamic`, of ONNX files: whether they quantise dynamically. */
  readonly files: Readonly<
    Record<string, { readonly bytes: number; readonly sha256: string; readonly dynamic?: boolean }>
  >
}
