// What `npm run test:changed` runs beside what imports a change: every path that its table names is there, and lines add up.
import { existsSync, readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { testsOf } from '../../build/tests-of.mjs'

const root = new URL('../../', import.meta.url)

it('names tests that there are, for every room of src and every folder that is tested from outside', () => {
  const rooms = readdirSync(new URL('src', root), { withFileTypes: true }).map(entry =>
    entry.isDirectory() ? `src/${entry.name}/x.ts` : `src/${entry.name}`,
  )
  const others = ['wasm/x.ts', 'playground/x.tsx', 'docs/x.md', 'examples/x.mjs', 'build/x.mjs', 'package.json']
  for (const path of [...rooms, ...others]) {
    const tests = testsOf([path])
    expect(tests.length, path).toBeGreaterThan(0)
    expect(tests.filter(test => !existsSync(new URL(test, root)))).toEqual([])
  }
})

it('adds up the lines that fit, and takes what is bundled for a page to the tests of its folder', () => {
  expect(testsOf(['docs/cli.md'])).toEqual(['test/docs'])
  expect(testsOf(['docs/cli.md', 'playground/app.tsx'])).toEqual([
    'test/docs',
    'test/playground',
    'test/import-rules.test.ts',
  ])
  expect(testsOf(['test/browser/web-entry.ts'])).toEqual(['test/browser'])
  expect(testsOf(['test/cache/vec.test.ts'])).toEqual([])
})
