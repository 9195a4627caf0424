// Compiles the AssemblyScript in wasm/ into modules that hold the code as base64: bundled, never fetched.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Writes `NAME.js` and `NAME.d.ts` into `outDir` for each of `names`; they export the base64 as `NAME_WASM`, in capitals.
 * SIMD, no runtime, no checks: the callers check, once for all devices. The memory is imported, so that whoever
 * instantiates the code can lay it out. Throws with the compiler's messages when a source does not compile.
 */
export async function buildWasm({ sourceDir, outDir, names }) {
  const { default: asc } = await import('assemblyscript/asc')
  mkdirSync(outDir, { recursive: true })
  for (const name of names) {
    const files = new Map()
    const { error, stderr } = await asc.main(
      [`${name}.ts`, '-o', 'out.wasm', '-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--importMemory'],
      {
        readFile: (file, dir) => readSource(sourceDir, file, dir),
        writeFile: (file, content) => void files.set(file, content),
        listFiles: () => [],
      },
    )
    if (error) throw new Error(`wasm/${name}.ts does not compile: ${error.message}\n${stderr}`)
    const constant = `${name.toUpperCase().replaceAll('-', '_')}_WASM`
    const code = Buffer.from(files.get('out.wasm')).toString('base64')
    writeFileSync(
      join(outDir, `${name}.js`),
      `// Made by build/wasm.mjs from wasm/${name}.ts.\nexport const ${constant} =\n  '${code}'\n`,
    )
    writeFileSync(
      join(outDir, `${name}.d.ts`),
      `/** WebAssembly, as base64. */\nexport declare const ${constant}: string\n`,
    )
  }
}

/** A source of ours, or null for what the compiler looks for elsewhere. */
function readSource(sourceDir, file, dir) {
  try {
    return readFileSync(join(sourceDir, dir === '.' ? '' : dir, file), 'utf8')
  } catch {
    return null
  }
}
