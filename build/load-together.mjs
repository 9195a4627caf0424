// An esbuild plugin: modules that are imported dynamically and needed together come into one file, instead of one each with
// what every few of them share in still more. Loading a file costs a process more than the bytes in it.
import { relative } from 'node:path'

/**
 * `groups` has for each name the sources, relative to `root`, that load together; where one is imported dynamically, all of them
 * come. No two of a group may export the same name. `shared` are small sources that several groups need: counted as needed by all,
 * they come in one file instead of one for each set of groups.
 */
export function loadTogether({ root, groups, shared }) {
  const groupOf = new Map(Object.entries(groups).flatMap(([name, files]) => files.map(file => [file, name])))
  return {
    name: 'load-together',
    setup(build) {
      build.onResolve({ filter: /^\./ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (kind !== 'dynamic-import' || pluginData === 'load-together') return undefined
        const resolved = await build.resolve(path, { kind, importer, resolveDir, pluginData: 'load-together' })
        const group = groupOf.get(relative(root, resolved.path).replaceAll('\\', '/'))
        return group === undefined ? resolved : { path: group, namespace: 'load-together', sideEffects: false }
      })
      build.onLoad({ filter: /.*/, namespace: 'load-together' }, ({ path: name }) => ({
        contents: [...groups[name], ...shared].map(file => `export * from ${JSON.stringify(`./${file}`)}`).join('\n'),
        resolveDir: root,
      }))
    },
  }
}
