// An esbuild plugin: a source that is imported dynamically is a file of its own in dist, built by itself, and all bundles share it.
import { relative } from 'node:path'

/** `files` has for each such source, relative to `root`, its file in dist, beside the bundles. */
export function ownDistFiles({ root, files }) {
  return {
    name: 'own-dist-files',
    setup(build) {
      build.onResolve({ filter: /^\./ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
        // `pluginData` is set where a plugin is itself resolving; answering would recurse.
        if (kind !== 'dynamic-import' || pluginData !== undefined) return undefined
        const resolved = await build.resolve(path, { kind, importer, resolveDir, pluginData: 'own-dist-files' })
        const file = files[relative(root, resolved.path).replaceAll('\\', '/')]
        return file === undefined ? undefined : { path: `./${file}`, external: true }
      })
    },
  }
}
