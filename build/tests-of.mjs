// Which tests see a change that they do not import: they run what is built, bundle the sources for a page, or read files. Kept by
// hand, for `npm run test:changed`; a line names as much as shows that the built thing works, not everything that could notice.
// @ts-check

/**
 * Where a changed file lies (a path begins so) -> the tests that look at it from outside: files, or folders with all of theirs.
 * Every line that fits counts.
 * @type {readonly (readonly [string, readonly string[]])[]}
 */
const OUTSIDE = [
  ['src/', ['test/import-rules.test.ts', 'test/node.test.ts']],
  ['src/blockchain', ['test/blockchain', 'test/cli', 'test/docs']],
  ['src/backends/', ['test/browser/web.test.ts', 'test/cli/devices.test.ts']],
  ['src/cache/', ['test/node', 'test/cli/embed.test.ts']],
  ['src/caches/', ['test/node', 'test/cli/embed.test.ts']],
  ['src/cli/', ['test/cli', 'test/examples', 'test/docs']],
  ['src/compose', ['test/node', 'test/browser/web.test.ts']],
  ['src/embedder/', ['test/node', 'test/cli/embed.test.ts', 'test/browser/web.test.ts']],
  ['src/embedder/devices/', ['test/cli/devices.test.ts', 'test/browser/web-faults.test.ts']],
  ['src/embedder/model/', ['test/cli/models.test.ts', 'test/browser/web-hub.test.ts']],
  ['src/fs/', ['test/node', 'test/cli', 'test/stores']],
  ['src/hub/', ['test/cli/models.test.ts', 'test/node/model.test.ts']],
  ['src/json/', ['test/state', 'test/blockchain']],
  ['src/kernels', ['test/kernels', 'test/playground/page.test.ts']],
  ['src/node', ['test/node', 'test/cli', 'test/examples']],
  ['src/options.ts', ['test/cli', 'test/docs']],
  ['src/patterns/', ['test/cli/patterns.test.ts']],
  ['src/state', ['test/state', 'test/cli', 'test/examples', 'test/docs']],
  ['src/server', ['test/server']],
  ['src/stores/', ['test/node', 'test/cli/embed.test.ts', 'test/version-before.test.ts']],
  ['src/stores/indexeddb', ['test/stores/indexeddb', 'test/browser/web.test.ts']],
  ['src/testing', ['test/testing', 'test/examples/own-store.test.ts']],
  ['src/web', ['test/web', 'test/browser', 'test/package/browser.test.ts', 'test/playground/page.test.ts']],
  ['wasm/', ['test/kernels', 'test/build/wasm.test.ts']],
  ['playground/', ['test/playground', 'test/import-rules.test.ts']],
  ['console/', ['test/console', 'test/import-rules.test.ts']],
  ['look/', ['test/playground', 'test/console', 'test/import-rules.test.ts']],
  ['docs/', ['test/docs']],
  ['README.md', ['test/docs']],
  ['CONTRIBUTING.md', ['test/docs']],
  ['SECURITY.md', ['test/docs']],
  ['examples/', ['test/examples', 'test/docs']],
  ['build.mjs', ['test/build', 'test/package/install.test.ts', 'test/package/browser.test.ts']],
  ['build/', ['test/build', 'test/package/install.test.ts', 'test/package/browser.test.ts']],
  ['build/playground.mjs', ['test/playground']],
  ['build/console.mjs', ['test/console']],
  ['build/start.mjs', ['test/playground/page.test.ts']],
  ['build/references/', ['test/node', 'test/embedder']],
  ['package-lock.json', ['test']],
  ['package.json', ['test']],
  ['tsconfig', ['test/package/typescript.test.ts', 'test/docs']],
  ['test/bench/', ['test/bench']],
  ['test/real/', ['test/state']],
  ['test/package/', ['test/package']],
  ['test/fixtures/tokenizers/', ['test/embedder/tokenizer']],
  [
    'test/fixtures/use-lite-reference.json',
    ['test/build', 'test/embedder/reference.test.ts', 'test/browser/web.test.ts'],
  ],
  ['test/fixtures/version-', ['test/version-before.test.ts', 'test/node', 'test/stores/indexeddb']],
]

/** What stands in a page of tests, bundled by its path: the tests of its folder are those that use it. */
const IN_A_PAGE = /^(test\/.*)\/[^/]+-(?:entry|worker|page)\.ts$/

/**
 * @param {readonly string[]} changed paths of files, relative to the repository, with `/`
 * @returns {string[]} test files and folders with tests, without repetition; what imports a changed file is not among them
 */
export function testsOf(changed) {
  const found = changed.flatMap(path => {
    const folder = IN_A_PAGE.exec(path)?.[1]
    const outside = OUTSIDE.filter(([prefix]) => path.startsWith(prefix)).flatMap(([, tests]) => tests)
    return folder === undefined ? outside : [...outside, folder]
  })
  return [...new Set(found)]
}
