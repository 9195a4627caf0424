// Who may import whom. A line of code that reaches into the wrong room fails here, with its file and line.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const src = fileURLToPath(new URL('../src', import.meta.url))

/** Room -> what it may import: rooms and files of ours (a file covers its parts folder), and packages. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  'ports.ts': [],
  'errors.ts': [],
  'version.ts': [],
  'format.ts': [],
  'sample-lines.ts': [],
  'realms.ts': ['errors.ts', 'ports.ts'],
  'config.ts': ['errors.ts', 'patterns/setting.ts'],
  patterns: ['ports.ts', 'errors.ts', 'realms.ts'],
  'diagnostics.ts': ['errors.ts', 'ports.ts'],
  cache: ['ports.ts', 'errors.ts', 'diagnostics.ts', 'realms.ts', 'kernels', 'lru-cache', 'canonicalize'],
  fs: ['errors.ts', 'ports.ts'],
  stores: ['ports.ts', 'errors.ts', 'cache/vec.ts', 'fs', 'idb-keyval'],
  // What every device shares, and the code that the build makes of wasm/; one device never imports another.
  kernels: [
    'ports.ts',
    'errors.ts',
    'realms.ts',
    'kernels/checks.ts',
    'kernels/host-matrix.ts',
    'kernels/int8.ts',
    'kernels/project.ts',
    'kernels/self-check.ts',
    'kernels/top-k.ts',
    'kernels/trial.ts',
    '../.build/wasm/kernels.ts',
  ],
  'kernels.ts': ['*'],
  testing: ['ports.ts', 'errors.ts'],
  'testing.ts': ['*'],
  backends: [
    'ports.ts',
    'errors.ts',
    'cache/vec.ts',
    'backends/ort-io.ts',
    'backends/at-exit.ts',
    'backends/exit-gate.ts',
    'onnxruntime-node',
    'onnxruntime-web',
    'onnxruntime-web/wasm',
    'onnxruntime-web/webgpu',
    'onnxruntime-common',
  ],
  embedder: ['ports.ts', 'errors.ts', 'realms.ts', 'kernels', 'comlink'],
  caches: [
    'ports.ts',
    'errors.ts',
    'diagnostics.ts',
    'realms.ts',
    'cache',
    'patterns/setting.ts',
    'patterns/templates.ts',
  ],
  'compose.ts': ['ports.ts', 'diagnostics.ts', 'caches', 'config.ts', 'patterns', 'embedder'],
  'public.ts': ['*'],
  'node.ts': ['*'],
  // The parts of the Node root, and the roots of its threads and processes.
  node: ['*'],
  'web.ts': ['*'],
  // The parts of the web root, and the root of its worker.
  web: ['*', '@noble/hashes/sha2.js', '@noble/hashes/legacy.js', '@noble/hashes/utils.js'],
  // The names of the modes alone: `--help` must not load the library.
  cli: [
    'fs',
    'patterns/setting.ts',
    'node.ts',
    'node/assets.ts',
    'node/doctor.ts',
    'node/models.ts',
    'node/verify.ts',
    'errors.ts',
    'format.ts',
    'sample-lines.ts',
    'version.ts',
    'ports.ts',
  ],
}

/** Rooms whose files may import one another. Adapters may not: each is one medium, one runtime. */
const OPEN_ROOMS = ['testing', 'fs', 'cache', 'embedder', 'hub', 'caches', 'patterns', 'cli', 'node', 'web']

/** `node:*` is allowed here and nowhere else. */
const NODE =
  /^(node\.ts|node\/.*|cli\/.*|stores\/(segments|files)(\.ts|\/.*)|fs\/.*|backends\/(ort-node|worker-node|process-node)\.ts|hub\/.*)$/
/** Browser globals are allowed here and nowhere else. */
const BROWSER = /^(stores\/indexeddb(\.ts|\/.*)|backends\/ort-web\.ts|kernels\/webgpu\.ts|web\.ts|web\/runtime\.ts)$/

interface Import {
  readonly file: string
  readonly line: number
  readonly target: string
}

function files(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap(entry =>
    entry.isDirectory() ? files(join(dir, entry.name)) : entry.name.endsWith('.ts') ? [join(dir, entry.name)] : [],
  )
}

const all = files(src).map(path => ({
  file: relative(src, path).replaceAll('\\', '/'),
  text: readFileSync(path, 'utf8'),
}))

const imports: Import[] = all.flatMap(({ file, text }) =>
  [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)['"]([^'"\n]+)['"]/g)].map(match => {
    const line = text.slice(0, match.index).split('\n').length
    const target = match[1]!
    const ours = target.startsWith('.')
    return { file, line, target: ours ? normalize(join(dirname(file), target)).replace(/\.js$/, '.ts') : target }
  }),
)

const roomOf = (file: string) => (file.includes('/') ? file.split('/')[0]! : file)
/** `stores/segments.ts` and everything in `stores/segments/` are one adapter. */
const adapterOf = (file: string) => file.split('/').slice(0, 2).join('/').replace(/\.ts$/, '')

function allowed({ file, target }: Import): boolean {
  if (target.startsWith('node:')) return NODE.test(file)
  const rules = RULES[roomOf(file)]
  if (rules === undefined) return false
  const ours = all.some(other => other.file === target)
  if (ours && roomOf(target) === roomOf(file)) {
    if (OPEN_ROOMS.includes(roomOf(file)) || adapterOf(file) === adapterOf(target)) return true
  }
  return rules.some(rule => rule === target || (ours && (rule === '*' || rule === roomOf(target))))
}

describe('import rules', () => {
  it('reads the sources', () => {
    expect(all.length).toBeGreaterThan(30)
    expect(imports.length).toBeGreaterThan(100)
  })

  it('lets each room import only what it may', () => {
    const broken = imports
      .filter(one => !allowed(one))
      .map(({ file, line, target }) => `src/${file}:${line} imports ${target}`)
    expect(broken).toEqual([])
  })

  it('keeps browser globals to the files that are for browsers', () => {
    const broken = all
      .filter(
        ({ file, text }) =>
          !BROWSER.test(file) &&
          /(?<![\w.'"`/])(navigator\.|indexedDB\b|document\.|window\.)/.test(
            text.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, ''),
          ),
      )
      .map(({ file }) => file)
    expect(broken).toEqual([])
  })

  it('has no file without a line that says what it is, none over 350 lines, and no default export', () => {
    for (const { file, text } of all) {
      const first = text.split('\n').find(line => !line.startsWith('#!'))!
      expect(first, file).toMatch(/^\/\/ \S/)
      expect(text.split('\n').length, file).toBeLessThanOrEqual(351)
      expect(text, file).not.toMatch(/^export default/m)
    }
  })
})
