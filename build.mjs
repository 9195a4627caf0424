// The one way in: sets everything up with nothing but Node, builds what changed, then runs the task it was asked for.
//
//   node build.mjs            build the library, the CLI and the built-in model into dist/
//   node build.mjs test       build, then run the tests           (arguments go to vitest)
//   node build.mjs test:changed   build, then run the tests that a change touches (see build/test-changed.mjs)
//   node build.mjs demo       build, then run the demo            (likewise)
//   node build.mjs bench      build, then run the benchmark       (likewise)
//   node build.mjs gpu        build, then measure a GPU           (likewise; see test/gpu)
//   node build.mjs install-cuda   build, then fetch the CUDA provider (see build/install-cuda.mjs)
//   node build.mjs start      build, then serve the playground on this machine
//   node build.mjs check      build, then types, lint, import rules, publint, attw, and the reference below
//   node build.mjs docs       build, then write a reference of every exported name to .build/api
//
// Packages come by `npm ci` when node_modules is missing or older than the lock file. No other tool is needed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { packageFolders, writeLicences } from './build/licenses.mjs'
import { loadTogether } from './build/load-together.mjs'
import { oneAtATime } from './build/one-at-a-time.mjs'
import { ownDistFiles } from './build/own-dist-files.mjs'

const root = dirname(fileURLToPath(import.meta.url))
const at = (...parts) => join(root, ...parts)

/** Sources with packages inside that few programs need, and then later: of D-Bus, of the HTTP server, of its tokens, of S3. */
const OWN_FILES = {
  dbus: 'src/state/plugins/systemd/wire.ts',
  http: 'src/server/http.ts',
  tiktoken: 'src/server/tiktoken.ts',
  aws4fetch: 'src/stores/aws4fetch.ts',
}
const ownFiles = ownDistFiles({
  root,
  files: Object.fromEntries(Object.entries(OWN_FILES).map(([name, source]) => [source, `${name}.js`])),
})

/** CommonJS inside, which asks for modules of Node by `require`. */
const WITH_REQUIRE = { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" }

/** Sources of a built-in plugin. */
const sourcesIn = (plugin, ...names) => names.map(name => `src/state/plugins/${plugin}/${name}.ts`)

/** Whoever asks a plugin has opened the state and the caches. */
const LOADED_BY_THEN = ['src/node.ts', 'src/state.ts']

/** What the chain loads when it is first asked for it. */
const CHAIN_PARTS = [
  'exchange/export',
  'exchange/import',
  'log/export-tiles',
  'log/log',
  'log/proofs',
  'prune',
  'repair',
  'search',
  'snapshots',
  'stats',
  'verify',
  'verify/vectors',
].map(name => `src/blockchain/${name}.ts`)

/** Every bundle: which files go in, where they come out, for whom. `report` puts a line into the size report. */
const TARGETS = [
  {
    name: 'node',
    outdir: 'dist',
    entries: {
      node: 'src/node.ts',
      state: 'src/state.ts',
      blockchain: 'src/blockchain.ts',
      server: 'src/server.ts',
      'ai-sdk': 'src/adapters/ai-sdk.ts',
      langchain: 'src/adapters/langchain.ts',
      'node-worker': 'src/node/worker.ts',
      'node-tokenizer': 'src/node/tokenizer.ts',
      'node-advice': 'src/node/tuning/advice-worker.ts',
      'node-device-probe': 'src/node/device-probe.ts',
    },
    options: { platform: 'node', target: 'node20', splitting: true, chunkNames: 'chunk-[hash]', plugins: [ownFiles] },
    report: true,
  },
  {
    name: 'own files',
    outdir: 'dist',
    entries: OWN_FILES,
    options: {
      platform: 'node',
      target: 'node20',
      packages: 'bundle',
      // Reads descriptions of objects on the bus, which we never ask for.
      external: ['xml2js'],
      // For a document as YAML, prom-client's own metrics of the process, and `app.inject`: a sixth of the file, a tenth of its time to load.
      alias: Object.fromEntries(
        ['@opentelemetry/api', 'light-my-request', 'yaml'].map(name => [name, at('build', 'nothing.cjs')]),
      ),
      banner: WITH_REQUIRE,
      minifySyntax: true,
      minifyWhitespace: true,
    },
    report: true,
  },
  {
    name: 'cli',
    outdir: 'dist',
    entries: { cli: 'src/cli/main.ts' },
    // A command that answers from disk spends more time on loading code than on the answer, and most of that is the number of
    // files, then their bytes: it has files of its own, with its packages in them. Names stay, for the stacks of `--debug`.
    options: {
      platform: 'node',
      target: 'node20',
      packages: 'bundle',
      external: ['onnxruntime-node', 'onnxruntime-web', '@redis/client', '@opentelemetry/api'],
      // jsonc-parser's CommonJS build is UMD, which esbuild cannot follow.
      alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
      splitting: true,
      chunkNames: 'cli-[hash]',
      minifySyntax: true,
      minifyWhitespace: true,
      plugins: [
        ownFiles,
        loadTogether({
          root,
          shared: [
            'cli/command',
            'cli/complain',
            'cli/daemon',
            'cli/exit-codes',
            'cli/flags',
            'cli/run/telling',
            'cli/settings',
            'cli/terminal',
            'cli/when',
            'errors',
            'fair-timer',
            'nearest',
            'shared-url',
            'version',
          ].map(name => `src/${name}.ts`),
          groups: {
            'cli-answer': ['src/cli/answer.ts'],
            'cli-help': ['src/cli/help.ts', 'src/cli/run/completion.ts'],
            'cli-embed': ['src/cli/run/embed.ts', 'src/node/model.ts'],
            // An answer from the cache needs less than what compares and changes.
            'cli-query': ['src/cli/run/query.ts', 'src/node.ts'],
            'cli-state': [
              'src/cli/run/apply.ts',
              'src/cli/run/bench.ts',
              'src/cli/run/diff-watch.ts',
              'src/cli/run/diff.ts',
              'src/cli/run/init.ts',
              'src/cli/run/plugins.ts',
              'src/cli/run/query-watch.ts',
              'src/state/changing.ts',
              'src/state/json-patch.ts',
              ...LOADED_BY_THEN,
            ],
            // To look at blocks takes less than what the other commands of the chain do with it.
            'cli-blocks': ['src/cli/run/blockchain/show.ts', 'src/blockchain.ts', ...LOADED_BY_THEN],
            // All that those need. What others need with it lies where it lay.
            'cli-chain': [
              ...['add', 'exchange', 'keep', 'proofs', 'repair', 'search', 'stats', 'verify'].map(
                name => `src/cli/run/blockchain/${name}.ts`,
              ),
              'src/cli/run/demo-chain.ts',
              'src/cli/run/blockchain/show.ts',
              'src/blockchain.ts',
              'src/kernels.ts',
              ...CHAIN_PARTS,
              'src/cli/run/embed.ts',
              'src/cli/run/query.ts',
              'src/node/model.ts',
              ...LOADED_BY_THEN,
            ],
            // What asks and changes each part of a system; the bus of systemd has a file of its own.
            'cli-net': [...sourcesIn('net', 'apply', 'checkpoint', 'client', 'query', 'watch'), ...LOADED_BY_THEN],
            'cli-lxc': [...sourcesIn('lxc', 'lxc-tools', 'proxmox', 'start-and-stop'), ...LOADED_BY_THEN],
            'cli-systemd': [...sourcesIn('systemd', 'systemd-bus'), ...LOADED_BY_THEN],
            'cli-programs': ['src/state/plugins/run.ts', ...LOADED_BY_THEN],
            // All of the daemon; the packages that serve HTTP have a file of their own.
            'cli-serve': [
              'src/cli/run/serve.ts',
              'src/server.ts',
              'src/blockchain.ts',
              'src/kernels.ts',
              ...CHAIN_PARTS,
              'src/state/changing.ts',
              'src/cli/run/embed.ts',
              'src/cli/run/query.ts',
              'src/node/model.ts',
              ...LOADED_BY_THEN,
            ],
            // What tunes the caches, each part where it is on.
            'cli-tuning': [
              'src/cli/run/bench-workload.ts',
              'src/cli/run/cache-trace.ts',
              'src/cli/run/tune.ts',
              'src/cli/run/tune/auto.ts',
              'src/cli/run/warm-dry.ts',
              'src/cli/run/warm-keys.ts',
              'src/node/tuning/advice.ts',
              'src/node/tuning/auto.ts',
              'src/node/tuning/load-keys.ts',
              'src/node/tuning/predict.ts',
              'src/node/tuning/trace-folder.ts',
              'src/node/tuning/trace-recorder.ts',
              'src/node/tuning/warm.ts',
              'src/tuning/policies.ts',
              ...LOADED_BY_THEN,
            ],
            // A cache that other machines share: what of it is not the client of Redis.
            'cli-shared': ['src/stores/redis.ts', ...LOADED_BY_THEN],
            // They speak HTTP with a daemon, which loads much of Node.
            'cli-daemon': [
              'src/cli/daemon-client.ts',
              'src/cli/run/daemon-embeddings.ts',
              'src/cli/run/daemon-query.ts',
              ...LOADED_BY_THEN,
            ],
            'cli-more': [
              'src/cli/input.ts',
              'src/cli/npy.ts',
              'src/cli/output.ts',
              'src/cli/patterns-text.ts',
              'src/cli/run/assets.ts',
              'src/cli/run/cache.ts',
              'src/cli/run/demo.ts',
              'src/cli/run/doctor.ts',
              'src/cli/run/health.ts',
              'src/cli/run/models.ts',
              'src/cli/run/warm.ts',
              'src/cli/run/snapshots.ts',
              'src/embedder/tokenizer/index.ts',
              'src/embedder/tokenizer/load-tokenizer.ts',
              'src/hub/download.ts',
              'src/hub/find.ts',
              'src/hub/store.ts',
              'src/node/snapshots/export.ts',
              'src/node/snapshots/import.ts',
              'src/patterns/templates.ts',
            ],
          },
        }),
      ],
    },
    report: true,
  },
  {
    name: 'web',
    outdir: 'dist',
    entries: { web: 'src/web.ts' },
    // In parts: what patterns need is loaded by who switches them on.
    options: { platform: 'browser', target: 'es2022', splitting: true, chunkNames: 'web-[hash]' },
    report: true,
  },
  {
    name: 'web-worker',
    outdir: 'dist',
    entries: { worker: 'src/web/worker.ts' },
    // A module that needs no other: it also runs where no bundler has seen it. What glues ONNX Runtime's WebAssembly is a
    // file of its own, since its threads start from it.
    options: {
      platform: 'browser',
      target: 'es2022',
      packages: 'bundle',
      conditions: ['onnxruntime-web-use-extern-wasm'],
      // It may run from a `blob:` address, and bundlers resolve what is relative to a module's own.
      define: { 'import.meta.url': 'location.href' },
      minifySyntax: true,
      minifyWhitespace: true,
    },
    report: true,
  },
  {
    name: 'web-alone',
    outdir: 'dist',
    entries: { 'op-dbus': 'src/web.ts' },
    // The same as `web` for a page without a bundler: it lies among the assets, which it then finds beside itself.
    options: {
      platform: 'browser',
      target: 'es2022',
      packages: 'bundle',
      minify: true,
    },
    report: true,
  },
  {
    name: 'kernels',
    outdir: 'dist',
    entries: { kernels: 'src/kernels.ts' },
    options: { platform: 'neutral', target: 'es2022' },
    report: true,
  },
  {
    name: 'testing',
    outdir: 'dist',
    entries: { testing: 'src/testing.ts' },
    options: { platform: 'neutral', target: 'es2022' },
    report: false,
  },
  {
    name: 'bench',
    outdir: '.build',
    entries: { bench: 'test/bench/main.ts', gpu: 'test/gpu/main.ts' },
    options: { platform: 'node', target: 'node20' },
    report: false,
  },
]

/** What runs after the build. A row is a command line; a task stops at the first that fails. */
const TASKS = {
  build: [],
  test: [['node_modules/vitest/vitest.mjs', 'run', '...args']],
  'test:changed': [['build/test-changed.mjs', '...args']],
  demo: [['dist/cli.js', 'demo', '...args']],
  bench: [['.build/bench.js', '...args']],
  gpu: [['.build/gpu.js', '...args']],
  start: [['build/start.mjs', '...args']],
  'install-cuda': [['build/install-cuda.mjs', '...args']],
  docs: [['build/api-reference.mjs']],
  check: [
    ['node_modules/typescript/bin/tsc', '-p', '.'],
    ['node_modules/typescript/bin/tsc', '-p', 'playground'],
    ['node_modules/typescript/bin/tsc', '-p', 'console'],
    ['node_modules/@biomejs/biome/bin/biome', 'check', '.'],
    ['node_modules/vitest/vitest.mjs', 'run', 'test/import-rules.test.ts'],
    ['build/check-package.mjs'],
    ['build/api-reference.mjs'],
  ],
}

const [task = 'build', ...args] = process.argv.slice(2)
if (!Object.hasOwn(TASKS, task)) {
  fail(`unknown task "${task}"; there are: ${Object.keys(TASKS).join(', ')}`, 2)
}
requireNode()
await oneAtATime(at('.build', 'lock'), async () => {
  installPackages()
  await build()
})
for (const row of TASKS[task]) {
  const command = row.flatMap(part => (part === '...args' ? args : [part]))
  const code = node(command)
  if (code !== 0) process.exit(code)
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) fail(`op-dbus needs Node 20.19 or newer; this is ${process.version}`)
}

/** `npm ci` where nothing is installed yet, or the lock file changed since. */
function installPackages() {
  const installed = at('node_modules', '.package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(at('package-lock.json')).mtimeMs) return
  console.error('installing packages (npm ci) ...')
  const npm = process.env.npm_execpath
  const command = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm']
  // onnxruntime-node's install script only fetches CUDA libraries, from outside npm. `allowScripts` in package.json tells
  // npm 11 to leave it out; npm 10 does not know that field, so the script itself is told as well.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' }
  const result = spawnSync(command[0], [...command.slice(1), 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    env,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32' && command[0] === 'npm',
  })
  if (result.error) fail(`cannot run npm: ${result.error.message}`)
  if (result.status !== 0) fail('npm ci failed: see above. It needs the npm registry once.')
}

/** Builds what changed since the last time: each step has a stamp over the bytes of everything it reads. */
async function build() {
  const shared = ['build.mjs', 'package.json', 'package-lock.json']
  const started = performance.now()
  const did = []
  const step = async (name, inputs, output, run) => {
    const stamp = at('.build', 'stamps', name)
    const digest = digestOf([...shared, ...inputs])
    if (existsSync(at(output)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
    rmSync(stamp, { force: true })
    await run()
    mkdirSync(dirname(stamp), { recursive: true })
    writeFileSync(stamp, digest)
    did.push(name)
  }

  if (await writeOptions()) did.push('options')
  await step('model', ['build/builtin-model.mjs', 'build/builtin-model'], 'dist/models/builtin', async () => {
    const { buildBuiltinModel } = await import('./build/builtin-model.mjs')
    await buildBuiltinModel({
      packageDir: at('node_modules', '@energetic-ai', 'model-embeddings-en'),
      outDir: at('dist', 'models', 'builtin'),
    })
  })
  // Vectors of models of a hub, made elsewhere: 'source' in each file says how.
  await step('references', ['build/references'], 'dist/models/references', () => {
    cpSync(at('build', 'references'), at('dist', 'models', 'references'), { recursive: true })
  })
  await step('wasm', ['wasm', 'build/wasm.mjs'], '.build/wasm/kernels.js', async () => {
    const { buildWasm } = await import('./build/wasm.mjs')
    await buildWasm({ sourceDir: at('wasm'), outDir: at('.build', 'wasm'), names: ['kernels', 'memory-limit'] })
  })
  // Before the bundles: what does not check does not come into dist.
  await step('types', ['src', 'tsconfig.json', 'tsconfig.types.json'], 'dist/types', () => {
    rmSync(at('dist', 'types'), { recursive: true, force: true })
    if (node(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json']) !== 0) fail('the types do not check')
  })
  await step(
    'bundles',
    [
      'src',
      'test/bench',
      'test/gpu',
      'wasm',
      'build/licenses.mjs',
      'build/load-together.mjs',
      'build/nothing.cjs',
      'build/own-dist-files.mjs',
      'build/wasm.mjs',
      'build/worker-script.mjs',
    ],
    'dist/node.js',
    async () => {
      removeOldBundles()
      const inputs = []
      for (const target of TARGETS) {
        const { metafile } = await bundle(target)
        if (target.outdir === 'dist') inputs.push(...Object.keys(metafile.inputs))
      }
      writeLicences({ root, folders: packageFolders(inputs), file: at('dist', 'licenses.txt') })
      const { makeBundlable } = await import('./build/worker-script.mjs')
      await makeBundlable(at('dist', 'worker.js'))
    },
  )
  const scripts = ['dist/worker.js', 'dist/op-dbus.js', 'dist/kernels.js']
  const manifest = ['build/assets-manifest.mjs', 'build/builtin-model.mjs', 'build/builtin-model', ...scripts]
  await step('assets', manifest, 'dist/op-dbus-assets.json', async () => {
    const { writeAssetsManifest } = await import('./build/assets-manifest.mjs')
    await writeAssetsManifest({
      dist: at('dist'),
      ortDir: at('node_modules', 'onnxruntime-web', 'dist'),
      version: packageJson().version,
    })
  })
  await step(
    'console',
    ['console', 'look', 'src', 'wasm', 'build/console.mjs', 'build/licenses.mjs'],
    'dist/console/index.html',
    async () => {
      if (node(['node_modules/typescript/bin/tsc', '-p', 'console']) !== 0)
        fail('the types of the console do not check')
      const { buildConsole } = await import('./build/console.mjs')
      await buildConsole({ root, outDir: at('dist', 'console'), version: packageJson().version })
    },
  )
  const page = ['playground', 'look', 'src', 'wasm', 'build/playground.mjs', 'dist/op-dbus-assets.json']
  await step('playground', page, '.build/playground/sw.js', async () => {
    if (node(['node_modules/typescript/bin/tsc', '-p', 'playground']) !== 0)
      fail('the types of the playground do not check')
    const { buildPlayground } = await import('./build/playground.mjs')
    await buildPlayground({
      root,
      outDir: at('.build', 'playground'),
      dist: at('dist'),
      ortDir: at('node_modules', 'onnxruntime-web', 'dist'),
      version: packageJson().version,
    })
  })
  if (did.length > 0) {
    sizeReport()
    console.error(`built ${did.join(', ')} in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  } else if (task === 'build') {
    console.error('nothing changed')
  }
}

/** What is made of the table of options, where it differs; true where something did. These files are kept in the repository. */
async function writeOptions() {
  const { build: esbuild } = await import('esbuild')
  const { filesOf } = await import('./build/options.mjs')
  const source = at('src', 'options.ts')
  const bundled = await esbuild({ entryPoints: [source], bundle: true, format: 'esm', write: false })
  const table = await import(
    `data:text/javascript;base64,${Buffer.from(bundled.outputFiles[0].contents).toString('base64')}`
  )
  const files = filesOf(table.OPTIONS, readFileSync(source, 'utf8'), readFileSync(at('docs', 'settings.md'), 'utf8'))
  const stale = Object.entries(files).filter(
    ([path, text]) => !existsSync(at(path)) || readFileSync(at(path), 'utf8') !== text,
  )
  for (const [path, text] of stale) writeFileSync(at(path), text)
  return stale.length > 0
}

async function bundle({ outdir, entries, options }) {
  const { build: esbuild } = await import('esbuild')
  const present = Object.entries(entries).map(([out, path]) => ({ out, in: at(path) }))
  return await esbuild({
    entryPoints: present,
    outdir: at(outdir),
    absWorkingDir: root,
    bundle: true,
    metafile: true,
    format: 'esm',
    packages: 'external',
    legalComments: 'none',
    logLevel: 'warning',
    ...options,
    define: { __OP_DBUS_VERSION__: JSON.stringify(packageJson().version), ...options.define },
  })
}

function packageJson() {
  return JSON.parse(readFileSync(at('package.json'), 'utf8'))
}

/** Chunks have hashed names: without this, those of earlier builds would pile up and ship. */
function removeOldBundles() {
  if (!existsSync(at('dist'))) return
  for (const name of readdirSync(at('dist'))) {
    if (name.endsWith('.js')) rmSync(at('dist', name))
  }
}

function sizeReport() {
  const rows = []
  for (const target of TARGETS.filter(t => t.report)) {
    for (const name of Object.keys(target.entries)) {
      const files = withStaticImports(at(target.outdir, `${name}.js`))
      const bytes = files.map(file => readFileSync(file))
      const raw = bytes.reduce((sum, b) => sum + b.length, 0)
      const zipped = bytes.reduce((sum, b) => sum + gzipSync(b).length, 0)
      rows.push([`dist/${name}.js`, `${(raw / 1024).toFixed(1)} KB`, `${(zipped / 1024).toFixed(1)} KB gzip`])
    }
  }
  const model = at('dist', 'models', 'builtin', 'onnx', 'model_quantized.onnx')
  rows.push(['built-in model', `${(statSync(model).size / 1e6).toFixed(1)} MB`, 'int8 weights'])
  for (const [name, raw, zipped] of rows) console.error(`  ${name.padEnd(22)} ${raw.padStart(9)}  ${zipped}`)
}

/** A bundle and the chunks that it loads at once. */
function withStaticImports(file, seen = new Set()) {
  if (seen.has(file)) return [...seen]
  seen.add(file)
  for (const [, name] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)[^;]*?from "\.\/([^"]+)"/gm)) {
    withStaticImports(join(dirname(file), name), seen)
  }
  return [...seen]
}

/** SHA-256 over names and bytes of files, and of all files below folders. A missing input is part of the digest too. */
function digestOf(inputs) {
  const hash = createHash('sha256').update(process.version)
  const visit = path => {
    if (!existsSync(path)) return hash.update(`missing ${relative(root, path)}\n`)
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) visit(join(path, name))
    } else {
      const bytes = readFileSync(path)
      hash.update(`${relative(root, path)} ${bytes.length}\n`).update(bytes)
    }
  }
  for (const input of inputs) visit(at(input))
  return hash.digest('hex')
}

/** Runs a script of this project or of a package; its exit code. */
function node(command) {
  const result = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' })
  if (result.error) fail(result.error.message)
  return result.status ?? 1
}

function fail(message, code = 1) {
  console.error(`build.mjs: ${message}`)
  process.exit(code)
}
