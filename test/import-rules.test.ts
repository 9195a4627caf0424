// Who may import whom. A line of code that reaches into the wrong room, or closes a circle, fails here with its file and line.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Room -> what it may import: rooms, files, packages. A room is a folder or a file, and the longest name that fits a file is
 * its room; `src/stores/segments` is the file of that name as well as the folder, `src/web.ts` the file alone. Within a room
 * files import one another as they like, as long as there is no circle.
 */
const RULES: Readonly<Record<string, readonly string[]>> = {
  // What everybody may know.
  'src/ports': ['src/kernel-ports', 'src/store-ports'],
  'src/store-ports': [],
  'src/kernel-ports': [],
  'src/errors': [],
  'src/all-finite': [],
  'src/fair-timer': [],
  'src/held-entry': [],
  'src/version': [],
  'src/abort-listeners': [],
  'src/format': [],
  'src/loopback': [],
  'src/nearest': [],
  'src/sample-lines': [],
  'src/assets-manifest': [],
  'src/realms': ['src/errors', 'src/ports'],
  'src/diagnostic-events': ['src/ports'],
  'src/diagnostics': ['src/errors', 'src/ports', 'src/diagnostic-events'],
  // Options.
  'src/options': ['src/option-kinds', 'src/patterns/setting'],
  'src/option-kinds': ['src/patterns/setting', 'src/shared-url'],
  'src/shared-url': [],
  'src/settings': ['src/patterns/setting'],
  'src/config': ['src/errors', 'src/options', 'src/settings'],
  // The core: no runtime, no domain.
  'src/fs': ['src/errors'],
  'src/cache': [
    'src/fair-timer',
    'src/ports',
    'src/errors',
    'src/abort-listeners',
    'src/realms',
    'src/diagnostics',
    'canonicalize',
  ],
  // JSON values of others: checked, copied, and told where they are wrong.
  'src/json': ['src/errors', 'src/format', 'src/cache/frozen', 'jsonc-parser'],
  'src/patterns': ['src/ports', 'src/errors', 'src/realms'],
  // One medium each: none imports another.
  'src/stores/map': ['src/ports', 'src/errors'],
  'src/stores/files': ['src/ports', 'src/errors', 'src/held-entry', 'src/fs'],
  'src/stores/segments': ['src/ports', 'src/errors', 'src/fs'],
  'src/stores/indexeddb': ['src/ports', 'src/errors', 'idb-keyval'],
  'src/caches': [
    'src/all-finite',
    'src/ports',
    'src/errors',
    'src/held-entry',
    'src/abort-listeners',
    'src/realms',
    'src/diagnostics',
    'src/cache',
    'src/patterns',
    // Types.
    'src/tuning/report',
  ],
  // Arithmetic, a device each: none imports another but to choose among them.
  'src/kernels': ['src/ports', 'src/errors', 'src/realms', '.build/wasm/kernels'],
  // The embedder: what a model is, then what reads texts, then devices; the caller's thread and the worker's know only the protocol.
  'src/embedder/model': ['src/ports', 'src/errors'],
  'src/embedder/tokenizer': ['src/errors', 'src/embedder/model'],
  'src/embedder/link': ['src/ports', 'src/errors'],
  'src/embedder/devices': ['src/ports', 'src/errors', 'src/embedder/model', 'src/embedder/tokenizer'],
  'src/embedder/protocol': [
    'src/ports',
    'src/errors',
    'src/embedder/model',
    'src/embedder/devices',
    'src/embedder/link',
  ],
  'src/embedder/engine': [
    'src/ports',
    'src/errors',
    'src/embedder/model',
    'src/embedder/tokenizer',
    'src/embedder/link',
    'src/embedder/devices',
    'src/embedder/protocol',
  ],
  'src/embedder/client': [
    'src/all-finite',
    'src/ports',
    'src/errors',
    'src/abort-listeners',
    'src/realms',
    'src/embedder/model',
    'src/embedder/link',
    'src/embedder/devices',
    'src/embedder/protocol',
  ],
  'src/embedder/open-model': [
    'src/ports',
    'src/errors',
    'src/embedder/model',
    'src/embedder/devices',
    'src/embedder/client',
  ],
  // Checks the small files of a model before it fetches the large ones.
  'src/hub': ['src/ports', 'src/errors', 'src/fs', 'src/embedder/model', 'src/embedder/tokenizer/load-tokenizer'],
  'src/backends': [
    'src/ports',
    'src/errors',
    'onnxruntime-node',
    'onnxruntime-web',
    'onnxruntime-web/wasm',
    'onnxruntime-web/webgpu',
    'onnxruntime-common',
  ],
  // Measures, simulates, advises and predicts: over what the caches tell, with what they are injected. What touches files is in src/node/tuning.
  'src/tuning': [
    'src/ports',
    'src/sample-lines',
    'src/errors',
    'src/diagnostics',
    'src/format',
    'src/cache/eviction',
    'src/cache/eviction-room',
    'src/cache/memory-tap',
    'src/cache/lru-policy',
  ],
  // Roots and their parts: the only ones that name adapters.
  'src/compose': [
    'src/ports',
    'src/config',
    'src/diagnostics',
    'src/patterns',
    'src/cache/yield-to-event-loop',
    'src/cache/eviction',
    'src/caches',
    'src/embedder',
    'src/tuning',
  ],
  // What systems are: plugins know nothing of caches; the manager keeps what they answer there.
  'src/state/plugin': ['src/ports', 'src/json/json'],
  'src/state/plugins': [
    'src/ports',
    'src/errors',
    'src/abort-listeners',
    'src/nearest',
    'src/json',
    'src/state/plugin',
    'src/state/resources',
    'dbus-native',
  ],
  'src/state': [
    'src/ports',
    'src/diagnostics',
    'src/errors',
    'src/realms',
    'src/format',
    'src/nearest',
    'src/fs',
    'src/caches',
    'src/cache/canonical-json',
    'src/json',
    'src/state/plugin',
    'valibot',
  ],
  // Every change remembered. Node's own modules stay in its store, its log (keys, tiles), what imports
  // files, and the hashes.
  'src/blockchain': [
    'src/ports',
    'src/diagnostics',
    'src/errors',
    'src/realms',
    'src/abort-listeners',
    'src/format',
    'src/nearest',
    'src/fs',
    'src/json',
    'src/cache',
    'src/caches',
    'src/kernels',
  ],
  'src/blockchain.ts': ['src'],
  'src/state.ts': ['src'],
  'src/public': ['src'],
  'src/node': ['src'],
  'src/web': ['src', '@noble/hashes/sha2.js', '@noble/hashes/legacy.js', '@noble/hashes/utils.js'],
  // Clients of the roots: the daemon, whose packages lie in `http.ts` alone.
  'src/server/http': ['fastify', '@fastify/swagger', 'prom-client', 'typebox'],
  'src/server/tiktoken': ['js-tiktoken/lite', 'js-tiktoken/ranks/cl100k_base'],
  'src/server': [
    'src/embedder/model/table',
    // What it tells of tuning; who tunes is in src/node.
    'src/tuning/report',
    // The order of the caches.
    'src/tuning/requests',
    'src/errors',
    'src/format',
    'src/loopback',
    'src/nearest',
    'src/version',
    'src/ports',
    'src/diagnostics',
    'src/realms',
    'src/public',
    'src/caches/cache-set',
    'src/cache/crc32',
    'src/fs',
    'src/json',
    'src/node',
    'src/node.ts',
    'src/state.ts',
    // What differs, in words.
    'src/state/diff-text',
    'src/state/diff-words',
    'src/blockchain.ts',
    'src/kernels.ts',
    'src/options',
    'src/settings',
    'src/assets-manifest',
    'src/server/http',
    'src/server/tiktoken',
    'fastify',
    '@opentelemetry/api',
  ],
  'src/server.ts': ['src'],
  'src/stores/redis': ['src/fair-timer', 'src/ports', 'src/errors', 'src/shared-url', '@redis/client'],
  'src/stores/s3': ['src/ports', 'src/errors', 'src/loopback', 'src/stores/aws4fetch'],
  'src/stores/object-folder': ['src/ports', 'src/errors', 'src/fs'],
  'src/stores/aws4fetch': ['aws4fetch'],
  // Other people's interfaces over the caches.
  'src/adapters': [
    'src/errors',
    'src/ports',
    'src/public',
    // A store of bytes in a folder, and what it is opened with.
    'src/stores/files',
    'src/node/runtime',
    '@langchain/core/embeddings',
    '@langchain/core/stores',
  ],
  'src/testing': ['src/ports', 'src/errors', 'src/stores/map'],
  // Clients of the roots. `--help` must not load the library, so the command line also knows the table of options.
  'src/cli': [
    'src/errors',
    'src/format',
    'src/nearest',
    'src/sample-lines',
    'src/version',
    'src/ports',
    'src/options',
    'src/fs',
    'src/node',
    'src/state.ts',
    'src/server.ts',
    'src/blockchain.ts',
    // Policies have names; and what a running daemon is asked and answers.
    'src/cache/eviction',
    'src/tuning',
    'src/server/api',
    'src/server/vector-text',
    'src/blockchain/block',
    'src/blockchain/block-words',
    'src/blockchain/reports',
    // Types, and how a state is made of resources, which text is made of.
    'src/json',
    'src/state/plugin',
    'src/state/reports',
    'src/state/resources',
    'src/state/diff',
    'src/state/diff-words',
    'src/state/diff-text',
    // How a plan's goal is written.
    'src/state/plan-text',
    'src/state/desired',
  ],
  // What the pages look like: colours, shapes, times in pictures.
  look: ['src/public.ts', 'src/format', 'src/cache/eviction', 'src/tuning/policy-looks', '@preact/signals', 'uplot'],
  // Knows the daemon by what it asks and answers alone.
  console: [
    'look',
    'src/tuning/report',
    // The names of the caches, in the order in which they are listed.
    'src/tuning/requests',
    'src/cache/eviction',
    'src/server/api',
    'src/web.ts',
    'src/public.ts',
    'src/errors',
    'src/format',
    // Types of what states and chains answer, and the words in which the command line tells them.
    'src/ports',
    'src/json',
    'src/state.ts',
    'src/state/plugin',
    'src/state/resources',
    'src/state/diff-words',
    'src/blockchain.ts',
    'src/blockchain/block-words',
    '@preact/signals',
    'preact',
    'preact/hooks',
    'uplot',
  ],
  // Public roots alone, and how things are said.
  playground: [
    'look',
    'playground/fetches',
    'src/web.ts',
    'src/public.ts',
    'src/kernels.ts',
    'src/errors',
    'src/format',
    '@preact/signals',
    'preact',
    'preact/hooks',
    'uplot',
  ],
  // Says what would be downloaded before the library is loaded: its root would be most of the page's first load.
  'playground/fetches': ['playground', 'src/web/file-cache', 'src/web/runtime'],
}

/** `node:*` is allowed here and nowhere else. */
const NODE =
  /^src\/(fs|hub|node|cli|server|stores\/segments|state\/plugins|blockchain\/(store|log))\/|^src\/(node|state|state\/data-folder|blockchain|blockchain\/(footprint|line|merkle|exchange\/files)|stores\/(segments|files|object-folder)|backends\/(ort|worker|process)-node)\.ts$/
/** Browser globals are allowed here and nowhere else. */
const BROWSER =
  /^src\/(stores\/indexeddb(\.ts|\/.*)|backends\/ort-web\.ts|kernels\/webgpu\.ts|web\.ts|web\/runtime\.ts)$/

interface Import {
  readonly file: string
  readonly line: number
  /** A file of ours from the root on, without its ending; else a package. */
  readonly target: string
}

function files(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap(entry =>
    entry.isDirectory()
      ? files(join(dir, entry.name))
      : /(?<!\.d)\.tsx?$/.test(entry.name)
        ? [join(dir, entry.name)]
        : [],
  )
}

const all = ['src', 'look', 'playground', 'console']
  .flatMap(folder => files(join(root, folder)))
  .map(path => ({
    file: relative(root, path).replaceAll('\\', '/'),
    text: readFileSync(path, 'utf8'),
  }))
const sources = all.filter(({ file }) => file.startsWith('src/'))

const withoutEnding = (file: string) => file.replace(/\.(tsx?|js)$/, '')

const imports: Import[] = all.flatMap(({ file, text }) =>
  [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)['"]([^'"\n]+)['"]/g)].map(match => {
    const line = text.slice(0, match.index).split('\n').length
    const target = match[1]!
    const ours = target.startsWith('.')
    return {
      file,
      line,
      target: ours ? withoutEnding(normalize(join(dirname(file), target)).replaceAll('\\', '/')) : target,
    }
  }),
)

const isIn = (name: string, room: string) => name === room || name.startsWith(`${room}/`)
const ROOMS = Object.keys(RULES).sort((one, other) => other.length - one.length)
/** A file that is named with its ending is a room by itself, also beside a folder of its name. */
const roomOf = (file: string) => (ROOMS.includes(file) ? file : ROOMS.find(room => isIn(withoutEnding(file), room)))

function allowed({ file, target }: Import): boolean {
  if (target.startsWith('node:')) return NODE.test(file)
  const room = roomOf(file)
  return (
    room !== undefined &&
    (roomOf(target) === room || RULES[room]!.some(other => isIn(target, other) || `${target}.ts` === other))
  )
}

describe('import rules', () => {
  it('reads the sources', () => {
    expect(all.length).toBeGreaterThan(30)
    expect(imports.length).toBeGreaterThan(100)
  })

  it('has a room for every file', () => {
    expect(all.filter(({ file }) => roomOf(file) === undefined).map(({ file }) => file)).toEqual([])
  })

  it('lets each room import only what it may', () => {
    const broken = imports
      .filter(one => !allowed(one))
      .map(({ file, line, target }) => `${file}:${line} imports ${target}`)
    expect(broken).toEqual([])
  })

  it('has no circle, not even of types', () => {
    const targets = new Map(
      all.map(({ file }) => [withoutEnding(file), imports.filter(one => one.file === file).map(one => one.target)]),
    )
    expect(circlesIn(targets)).toEqual([])
    expect(
      circlesIn(
        new Map([
          ['a', ['b']],
          ['b', ['c', 'd']],
          ['c', ['a']],
          ['d', []],
        ]),
      ),
    ).toEqual([['a', 'b', 'c', 'a']])
  })

  it('keeps browser globals to the files that are for browsers', () => {
    const broken = sources
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
    for (const { file, text } of sources) {
      const first = text.split('\n').find(line => !line.startsWith('#!'))!
      expect(first, file).toMatch(/^\/\/ \S/)
      expect(text.split('\n').length, file).toBeLessThanOrEqual(351)
      expect(text, file).not.toMatch(/^export default/m)
    }
  })
})

/** Each circle that a walk along the imports closes, as the way around it. */
function circlesIn(targets: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = []
  const done = new Set<string>()
  const walk = (name: string, way: readonly string[]) => {
    const at = way.indexOf(name)
    if (at >= 0) circles.push([...way.slice(at), name])
    if (at >= 0 || done.has(name)) return
    for (const target of targets.get(name) ?? []) walk(target, [...way, name])
    done.add(name)
  }
  for (const name of targets.keys()) walk(name, [])
  return circles
}
