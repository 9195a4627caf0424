// Writes a whole folder beside its place, then swaps it in: a reader never finds half of one.
// @ts-check
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

/** Another build may swap in its own folder between our two renames; then ours goes on top of it. */
const ATTEMPTS = 5

/**
 * @param {string} folder made, or replaced with all that is in it
 * @param {Record<string, string | Uint8Array>} files by their paths in it
 */
export async function replaceFolder(folder, files) {
  const place = resolve(folder)
  await mkdir(dirname(place), { recursive: true })
  const work = await mkdtemp(join(dirname(place), `.${basename(place)}-`))
  try {
    const fresh = join(work, 'new')
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(fresh, path)), { recursive: true })
      await writeFile(join(fresh, path), content)
    }
    await swap(fresh, place, work)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/**
 * @param {string} fresh
 * @param {string} place
 * @param {string} work holds what was replaced until it is removed
 */
async function swap(fresh, place, work) {
  for (let attempt = 1; ; attempt++) {
    await rename(place, join(work, `old${attempt}`)).catch(unless('ENOENT'))
    try {
      return await rename(fresh, place)
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
      unless('ENOTEMPTY', 'EEXIST', 'EPERM')(error)
    }
  }
}

/**
 * Lets errors with these codes pass and throws any other.
 * @param {...string} codes
 * @returns {(error: unknown) => void}
 */
function unless(...codes) {
  return error => {
    if (!codes.includes(String(/** @type {NodeJS.ErrnoException} */ (error).code))) throw error
  }
}
