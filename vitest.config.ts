// How the tests run: two files at a time, the long ones first.
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Folders whose files take tens of seconds each: they install, bundle, or drive a browser or many processes. The longest first. */
const LONG = [
  'test/package/',
  'test/browser/',
  'test/playground/',
  'test/console/',
  'test/cli/',
  'test/kernels/webgpu',
  'test/stores/',
  'test/node/',
  'test/state/',
  'test/embedder/',
  'test/hub/',
]

/**
 * Vitest begins with the largest file as long as it knows no times, and size says little here: a browser that starts last leaves one
 * of two cores idle for a minute. Within a folder it is as Vitest has it: what failed, then what took longest, then by size.
 */
class LongFoldersFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const found = LONG.findIndex(folder => moduleId.replaceAll('\\', '/').includes(folder))
      return found < 0 ? LONG.length : found
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    sequence: { sequencer: LongFoldersFirst },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // The machine may have two cores, and some tests start processes of their own.
    maxWorkers: 2,
  },
})
