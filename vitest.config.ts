// How the tests run: three files at a time, the long ones first, those with a browser between those without, and last those that share
// a process.
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Folders whose files take tens of seconds each. Of each list the longest first. */
const WITH_BROWSER = [
  'test/browser/',
  'test/playground/',
  'test/console/',
  'test/kernels/webgpu',
  'test/stores/indexeddb/',
]
/** They install, bundle, or start many processes, and wait for these about half of the time. */
const WITHOUT = [
  'test/package/',
  'test/cli/',
  'test/node/',
  'test/server/',
  'test/stores/',
  'test/docs/',
  'test/embedder/',
  'test/blockchain/',
  'test/state/',
  'test/hub/',
]

/**
 * Files that run one after the other in one process, which costs a start and the loading of `src` less for each (a third of a second of
 * a core). Only what leaves nothing behind in its process may stand here: no module mocks, no changed variables of the environment, no
 * fake clock or global that stays, no child process or worker that goes on, and no module with hooks of its own (test/server/daemon.ts,
 * test/embedder/node-embedder.ts, test/blockchain/chaos/children.ts, which hold for the first file alone). All others are alone.
 */
const SHARING = [
  'test/bench/*.test.ts',
  'test/blockchain/!(processes|store-ends|store-head|store-lock|store-processes|tiles|vectors|vectors-processes).test.ts',
  'test/build/!(builtin-model|install-cuda|one-at-a-time).test.ts',
  'test/cache/*.test.ts',
  'test/caches/!(query-processes).test.ts',
  'test/cli/@(chain-text|footprints|state-text|when).test.ts',
  'test/console/@(block-tail|core|parts|tuning-words).test.ts',
  'test/embedder/client/@(custom-embedder|rows-in-hand).test.ts',
  'test/embedder/devices/!(rigged).test.ts',
  'test/embedder/engine/*.test.ts',
  'test/embedder/model/@(revision|table).test.ts',
  'test/embedder/tokenizer/@(encoder|file-fault).test.ts',
  'test/fs/*.test.ts',
  'test/hub/!(download|redirects).test.ts',
  'test/kernels/!(bundle|choose|webgpu).test.ts',
  'test/node/tuning/!(trace-files|warm-start).test.ts',
  'test/patterns/*.test.ts',
  'test/playground/@(drop|look-up|map-keys|pure|session-parts|text-file).test.ts',
  'test/server/@(advice|meters|schemas).test.ts',
  'test/state/!(killed-apply|lxc-real|net-managed|normalise|run|systemd).test.ts',
  'test/stores/*.test.ts',
  'test/tuning/**/*.test.ts',
  'test/web/!(model-folder).test.ts',
]

/**
 * Vitest begins with the largest file as long as it knows no times, and size says little here: a browser that starts last leaves a core
 * idle for a minute. A browser keeps more than one core busy, and whoever waits for npm or for processes not half of one: taken in turn
 * they fill two cores, which either kind alone does not. Within a folder it is as Vitest has it: what failed, then what took longest,
 * then by size.
 */
class LongFoldersInTurn extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const sharing = sorted.filter(({ project }) => project.name === 'sharing')
    const rankIn = (folders: readonly string[], { moduleId }: TestSpecification) =>
      folders.findIndex(folder => moduleId.replaceAll('\\', '/').includes(folder))
    const among = (folders: readonly string[], from: readonly TestSpecification[]) =>
      from.filter(file => rankIn(folders, file) >= 0).sort((a, b) => rankIn(folders, a) - rankIn(folders, b))
    const browsers = among(WITH_BROWSER, sorted)
    const others = among(
      WITHOUT,
      sorted.filter(file => !browsers.includes(file)),
    )
    const long = Array.from({ length: Math.max(browsers.length, others.length) }, (_, i) => [others[i], browsers[i]])
    const first = long.flat().filter(file => file !== undefined && !sharing.includes(file))
    const rest = sorted.filter(file => !first.includes(file) && !sharing.includes(file))
    // Together, because a process goes on with another file only where that is the very next.
    return [...first, ...rest, ...sharing]
  }
}

const each = {
  setupFiles: ['test/setup.ts'],
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // What is waited for is there at once on a quiet machine; the second that Vitest gives it is too little on a busy one.
  expect: { poll: { timeout: 20_000 } },
}

export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    sequence: { sequencer: LongFoldersInTurn },
    // The machine may have two cores, and some tests start processes of their own: of those without a browser each keeps half of a core
    // busy.
    maxWorkers: 3,
    projects: [
      {
        test: {
          ...each,
          name: 'alone',
          include: ['test/**/*.test.ts'],
          exclude: SHARING,
        },
      },
      { test: { ...each, name: 'sharing', include: SHARING, isolate: false } },
    ],
  },
})
