// README and docs/: their examples are type-checked and run as they stand, their links lead somewhere, the README stays short.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { transform } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXIT_CODES, exitCodeOf } from '../../src/cli/exit-codes.js'
import { ERROR_CODES, OpDbusError } from '../../src/errors.js'
import { startHub, type TestHub } from '../hub-server.js'
import { cli, root, runNode } from '../processes.js'
import { aptInstall, mayInstall, onPath } from '../programs.js'
import { newFolder } from '../support.js'
import { examplesIn, fits } from './examples.js'

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'examples/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
]
const textOf = (page: string) => readFileSync(join(root, page), 'utf8')
const examples = new Map(PAGES.map(page => [page, examplesIn(textOf(page), page)]))
const programs = [...examples.values()].flat().filter(example => example.kind === 'program')

/** Inside of the repository, so that `op-dbus` is this package, as it is for `examples/`. */
const work = join(root, '.build', 'docs-test')
let hub: TestHub

/** Their examples ask a server as people do. */
const CURL_PAGES: readonly string[] = ['docs/serve.md']

beforeAll(async () => {
  if (onPath('curl') === undefined && mayInstall()) {
    await aptInstall({ packages: 'curl', unless: ['curl'], seconds: 90 })
  }
  rmSync(work, { recursive: true, force: true })
  mkdirSync(join(work, 'bin'), { recursive: true })
  for (const [index, { code, at }] of programs.entries()) {
    writeFileSync(join(work, `${index}.ts`), `// ${at}\n${code}\nexport {}\n`)
    writeFileSync(join(work, `${index}.mjs`), (await transform(code, { loader: 'ts' })).code)
  }
  const compilerOptions = {
    noImplicitAny: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    allowJs: false,
    rootDir: root,
  }
  const project = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'] }
  writeFileSync(join(work, 'tsconfig.json'), JSON.stringify(project))
  executable('op-dbus', `exec '${process.execPath}' '${cli}' "$@"`)
  executable('npx', 'exec "$@"')
  hub = await startHub({ 'sentence-transformers/all-MiniLM-L6-v2': smallModel() })
})
afterAll(async () => {
  await hub?.close()
  rmSync(work, { recursive: true, force: true })
})

describe('the examples', () => {
  it('have the types that they need', async () => {
    const { stdout } = await runNode(['node_modules/typescript/bin/tsc', '-p', join(work, 'tsconfig.json')])
    expect(stdout).toBe('')
  })

  // One folder for a page, which is home and cache as well: what it shows later goes on from what it showed before.
  const run = [...examples].filter(([, all]) => all.some(example => example.notRun === undefined))
  const mayRun = run.filter(([page]) => !CURL_PAGES.includes(page) || onPath('curl') !== undefined || mayInstall())
  for (const [page] of run.filter(one => !mayRun.includes(one)))
    it.skip(`of ${page}: curl is not on this machine`, () => {})
  it.concurrent.each(mayRun)(
    'of %s run as they stand, and print what they show',
    { timeout: 180_000 },
    async (_page, all) => {
      const cwd = newFolder()
      const env = {
        PATH: `${join(work, 'bin')}:${process.env.PATH}`,
        HOME: cwd,
        XDG_CACHE_HOME: join(cwd, '.cache'),
        HF_ENDPOINT: hub.endpoint,
      }
      try {
        for (const example of all.filter(one => one.notRun === undefined)) {
          const { code, stdout, stderr } = await (example.kind === 'program'
            ? runNode([join(work, `${programs.indexOf(example)}.mjs`)], { cwd, env })
            : runNode(['--norc', '-euc', example.command], { cwd, env, program: 'bash' }))
          expect(code, `${example.at}\n${stderr}`).toBe(0)
          const printed = example.kind === 'program' ? stdout : stdout + stderr
          if (example.prints && !fits(example.prints, printed)) {
            expect(printed, example.at).toBe(example.prints.join('\n'))
          }
        }
      } finally {
        rmSync(cwd, { recursive: true, force: true })
      }
    },
  )
})

describe('the pages', () => {
  it('lead nowhere that is not there', () => {
    const broken = PAGES.flatMap(page => {
      return [...textOf(page).matchAll(/\]\(([^)#:]+)?(?:#([^)]+))?\)/g)].flatMap(([link, path, anchor]) => {
        const target = path === undefined ? page : join(dirname(page), path)
        if (!existsSync(join(root, target))) return [`${page}: ${link}`]
        return anchor === undefined || anchorsOf(target).includes(anchor) ? [] : [`${page}: ${link}`]
      })
    })
    expect(broken).toEqual([])
  })

  it('are all in the index, which names no other', () => {
    const linked = [...textOf('docs/README.md').matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, name]) => `docs/${name}`)
    expect(linked.sort()).toEqual(PAGES.filter(page => /^docs\/(?!README)/.test(page)).sort())
  })

  it('the README has at most 1,000 words', () => {
    expect(textOf('README.md').trim().split(/\s+/).length).toBeLessThanOrEqual(1000)
  })

  it('the table of errors has every code, with its exit code', () => {
    const rows = [...textOf('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \|.*\| (\d+) \|$/gm)]
    expect(rows.map(([, code, exit]) => [code, Number(exit)])).toEqual(
      ERROR_CODES.map(code => [code, exitCodeOf(new OpDbusError(code, ''))]),
    )
    for (const code of Object.keys(EXIT_CODES)) expect(textOf('docs/errors.md')).toMatch(new RegExp(`\\b${code}\\b`))
  })
})

/** As GitHub makes them of headings. */
function anchorsOf(page: string): string[] {
  const headings = [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!.toLowerCase())
  return headings.map(heading => heading.replace(/[^\w\- ]/g, '').replaceAll(' ', '-'))
}

function executable(name: string, line: string): void {
  writeFileSync(join(work, 'bin', name), `#!/bin/sh\n${line}\n`, { mode: 0o755 })
}

/** The built-in model, to stand behind the name of a level: fetching is the same, and small. That level reads 256 tokens. */
function smallModel(): Record<string, string | Uint8Array> {
  const dir = join(root, 'dist', 'models', 'builtin')
  const files: Record<string, string | Uint8Array> = {}
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    if (/\.\w+$/.test(name)) files[name] = readFileSync(join(dir, name))
  }
  const config = JSON.parse(String(files['config.json']))
  return { ...files, 'config.json': JSON.stringify({ ...config, max_position_embeddings: 256 }) }
}
