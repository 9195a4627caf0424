// The licences of the packages that lie in our bundles, as they ask to be passed on: one text file beside the bundles. Fails for a package
// that names none. Runs at build time on plain Node.
// @ts-check
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const LICENCE_FILE = /^(licen[cs]e|copying|notice)/i

/**
 * Folders of packages, relative to the root, that the inputs of bundles lie in.
 * @param {Iterable<string>} inputs paths of an esbuild metafile
 */
export function packageFolders(inputs) {
  const folders = new Set()
  for (const input of inputs) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)
    if (found?.[1] !== undefined) folders.add(found[1])
  }
  return [...folders].sort()
}

/**
 * @param {object} options
 * @param {string} options.root
 * @param {readonly string[]} options.folders
 * @param {string} options.file
 */
export function writeLicences({ root, folders, file }) {
  const parts = folders.map(folder => textOf(root, folder))
  writeFileSync(
    file,
    `Packages that lie in the bundles of this folder, each under its own licence.\n\n${[...new Set(parts)].join('\n\n')}\n`,
  )
}

/**
 * @param {string} root
 * @param {string} folder
 */
function textOf(root, folder) {
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const files = readdirSync(join(root, folder)).filter(name => LICENCE_FILE.test(name))
  const texts = files.map(name => readFileSync(join(root, folder, name), 'utf8').trim())
  if (texts.length === 0 && manifest.license === undefined) throw new Error(`${folder} brings no licence`)
  const author = typeof manifest.author === 'object' ? manifest.author.name : manifest.author
  const by = texts.length === 0 && author !== undefined ? `, by ${author}` : ''
  const heading = `${manifest.name} ${manifest.version}${by} (${manifest.license ?? 'see below'})`
  return [`${'-'.repeat(80)}\n${heading}\n${'-'.repeat(80)}`, ...texts].join('\n\n')
}
