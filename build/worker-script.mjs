// Makes dist/worker.js a script that any bundler takes as it is: where ONNX Runtime imports an address that is known only when
// it runs, each bundler is told to leave that alone. Runs at build time on plain Node, after the bundling: minifying takes
// such words out.
// @ts-check
import { readFile, writeFile } from 'node:fs/promises'

/** In the words of webpack, of Next's Turbopack, and of Vite. */
const LEAVE_ALONE = '/*webpackIgnore:true*/ /*turbopackIgnore:true*/ /*@vite-ignore*/'

/**
 * @param {string} file the bundled worker, rewritten in place
 */
export async function makeBundlable(file) {
  const text = await readFile(file, 'utf8')
  // `import.meta` itself is replaced by `define`: bundlers follow addresses that are relative to it.
  if (text.includes('import.meta')) throw new Error(`${file} still has an import.meta, which bundlers resolve`)
  const written = text.replace(/\bimport\((?=[\w$])/g, `import(${LEAVE_ALONE}`)
  if (written === text) throw new Error(`${file} imports nothing: has ONNX Runtime changed how it loads its glue?`)
  await writeFile(file, written)
}
