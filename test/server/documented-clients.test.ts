// The clients of docs/serve.md, as they stand there: each block runs in a process of its language, against a daemon in the place of the address.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root, runNode } from '../processes.js'
import { clientPackages, clientPython } from './client-packages.js'
import { startDaemon, type TestDaemon } from './daemon.js'

const page = readFileSync(join(root, 'docs', 'serve.md'), 'utf8')
const blocksIn = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, code]) =>
    code!.replaceAll('http://127.0.0.1:8787', daemon.url),
  )

let daemon: TestDaemon
beforeAll(async () => {
  daemon = await startDaemon({ aliases: { builtin: 'fake' } })
})
afterAll(() => daemon.stop())

const asked = () => daemon.context.meters.requests.total - daemon.context.meters.requests.refused

describe.skipIf(clientPackages === undefined)('in JavaScript (skipped where npm cannot install them)', () => {
  it('get their vectors', async () => {
    const blocks = blocksIn('javascript')
    expect(blocks.length).toBe(3)
    // Where their packages are found.
    const work = join(clientPackages!, 'documented')
    mkdirSync(work, { recursive: true })
    try {
      for (const [i, code] of blocks.entries()) writeFileSync(join(work, `${i}.mjs`), code)
      const all = blocks.map((_, i) => `import './${i}.mjs'`).join('\n')
      writeFileSync(join(work, 'all.mjs'), all)
      const before = asked()
      const { code, stderr } = await runNode([join(work, 'all.mjs')])
      expect(code, stderr).toBe(0)
      expect(asked() - before).toBe(blocks.length)
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  })
})

const python = clientPython()
const missing = 'missing' in python ? ` (skipped: ${python.missing})` : ''
describe.skipIf('missing' in python)(`in Python${missing}`, () => {
  it('get their vectors', { timeout: 60_000 }, async () => {
    if ('missing' in python) return
    const blocks = blocksIn('python')
    expect(blocks.length).toBe(3)
    const before = asked()
    const env = { TIKTOKEN_CACHE_DIR: python.tokenizers, LITELLM_LOCAL_MODEL_COST_MAP: 'True', HOME: daemon.dir }
    const { code, stderr } = await runNode(['-c', blocks.join('\n')], { program: python.python, env })
    expect(code, stderr).toBe(0)
    expect(asked() - before).toBe(blocks.length)
  })
})
