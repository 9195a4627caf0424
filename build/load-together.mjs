// An esbuild plugin: modules that are imported dynamically and needed together come into one file, instead of one each with
// what every few of them share in still more. Loading a file costs a process more than the bytes in it.
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** The names that a source exports as values; ours are all written so. */
const EXPORTED = /^export (?:async )?(?:function\*?|class|const|let) (\w+)/gm

/**
 * `groups` has for each name the sources, relative to `root`, that load together; where one is imported dynamically, all of them
 * come. A source listed in a second group belongs to the first; the second lists it to say that it is loaded already, so shared code is not
 * split again. That no two of a group export the same name is checked. `shared` are small sources that several groups need: counted as
 * needed by all, they come in one file instead of one for each set of groups.
 */
export function loadTogether({ root, groups, shared }) {
  const named = Object.entries(groups).flatMap(([name, files]) => files.map(file => [file, name]))
  const groupOf = new Map(named.reverse())
  return {
    name: 'load-together',
    setup(build) {
      build.onResolve({ filter: /^\./ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (kind !== 'dynamic-import' || pluginData === 'load-together') return undefined
        const resolved = await build.resolve(path, { kind, importer, resolveDir, pluginData: 'load-together' })
        const group = groupOf.get(relative(root, resolved.path).replaceAll('\\', '/'))
        return group === undefined ? resolved : { path: group, namespace: 'load-together', sideEffects: false }
      })
      build.onLoad({ filter: /.*/, namespace: 'load-together' }, ({ path: name }) => {
        const files = [...groups[name], ...shared]
        const twice = exportedTwice(root, files)
        // `export *` would drop both without a word.
        if (twice !== undefined) return { errors: [{ text: `two files of the group ${name} export ${twice}` }] }
        const contents = files.map(file => `export * from ${JSON.stringify(`./${file}`)}`).join('\n')
        return { contents, resolveDir: root }
      })
    },
  }
}

function exportedTwice(root, files) {
  const seen = new Set()
  for (const file of files) {
    for (const [, name] of readFileSync(join(root, file), 'utf8').matchAll(EXPORTED)) {
      if (seen.has(name)) return name
      seen.add(name)
    }
  }
  return undefined
}
