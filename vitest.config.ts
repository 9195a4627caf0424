// How the tests run: three files at a time, the long ones first, and those with a browser between those without.
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
 * Vitest begins with the largest file as long as it knows no times, and size says little here: a browser that starts last leaves a core
 * idle for a minute. A browser keeps more than one core busy, and whoever waits for npm or for processes not half of one: taken in turn
 * they fill two cores, which either kind alone does not. Within a folder it is as Vitest has it: what failed, then what took longest,
 * then by size.
 */
class LongFoldersInTurn extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
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
    const first = long.flat().filter(file => file !== undefined)
    return [...first, ...sorted.filter(file => !first.includes(file))]
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    sequence: { sequencer: LongFoldersInTurn },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // The machine may have two cores, and some tests start processes of their own: of those without a browser each keeps half of a core busy.
    maxWorkers: 3,
  },
})
