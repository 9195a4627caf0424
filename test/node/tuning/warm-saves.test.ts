// When the list of a warm start is written, and what becomes of it where that goes wrong: a full disk, a kill, others at the same time.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { hotListPath, readHotList, writeHotList } from '../../../src/node/tuning/hot-list.js'
import { runScript } from '../../processes.js'
import { temporaryFolder } from '../../support.js'
import { DIMS, expectAll, fill, list, OWN_SPACE, open, SPACE, texts } from './warm-fixture.js'

/** Names in the list, which may not be there. */
function listed(dir: string): number {
  const found = readHotList(hotListPath(dir, SPACE), SPACE)
  return found === 'absent' ? 0 : list(dir).ranks.length
}

describe('the list of a warm start', () => {
  it('saves the list each minute in which something changed', async () => {
    const dir = temporaryFolder()
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const { caches } = await open(dir)
      await caches.embeddings.embedMany(texts)
      vi.advanceTimersByTime(59_999)
      await new Promise(setImmediate)
      expect(caches.tuning()!.warm).not.toHaveProperty('savedAt')
      vi.advanceTimersByTime(1)
      const savedAt = await vi.waitUntil(() => caches.tuning()!.warm!.savedAt)
      expect(list(dir)).toMatchObject({ savedAt, ranks: { length: 300 } })
      // A look-up or two change nothing worth it.
      await caches.embeddings.getOrEmbed(texts[0]!)
      vi.advanceTimersByTime(60_000)
      await new Promise(setImmediate)
      expect(caches.tuning()!.warm).toMatchObject({ savedAt })
      await caches.close()
    } finally {
      vi.useRealTimers()
    }
  })

  it('keeps the older list where the disk is full, and says so once', async context => {
    const dir = temporaryFolder()
    const folder = join(dir, 'warm')
    mkdirSync(folder, { recursive: true })
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', folder], { stdio: 'ignore' })
    } catch {
      return context.skip('mounting a small file system needs root')
    }
    try {
      await fill(dir)
      const before = list(dir)
      const { caches, warnings, warmed } = await open(dir)
      await caches.embeddings.embedMany(texts.map(text => `${text}, another`))
      await warmed
      await caches.close()
      expect(warnings).toEqual([
        expect.stringMatching(/^cannot write what memory held, in .*ENOSPC.*\n.*an older list/),
      ])
      expect(list(dir)).toEqual(before)
      expect(readdirSync(folder)).toHaveLength(1)
    } finally {
      execFileSync('umount', [folder])
    }
  })

  it.each([
    ['ahead', 1e15],
    ['back', -1e15],
  ])('loads a list that was written while the clock was far %s', async (_, savedAt) => {
    const dir = temporaryFolder()
    await fill(dir)
    await writeHotList(dir, SPACE, { ...list(dir), savedAt })
    const { caches, warnings, warmed } = await open(dir)
    await caches.embeddings.computing()
    expect(await warmed).toMatchObject({ entries: 300 })
    await caches.embeddings.get(texts[0]!)
    await caches.close()
    expect(Math.abs(list(dir).savedAt - Date.now())).toBeLessThan(60_000)
    expect(warnings).toEqual([])
  })

  it('leaves a whole list where several save at once, and nothing beside it', async () => {
    const dir = temporaryFolder()
    await fill(dir)
    const several = await Promise.all([1, 2, 3, 4].map(() => open(dir)))
    await Promise.all(several.map(({ caches }, i) => caches.embeddings.getOrEmbed(`of number ${i}`)))
    await Promise.all(several.map(({ caches }) => caches.close()))
    expect(several.flatMap(({ warnings }) => warnings)).toEqual([])
    expect(readdirSync(join(dir, 'warm'))).toHaveLength(1)
    // What the others had used is what the last one did not know of yet.
    const { ranks } = list(dir)
    expect(ranks.length).toBeGreaterThan(300)
    expect(ranks.length).toBeLessThanOrEqual(304)
  })

  it('names nothing that another process cleared, long before it is written or meanwhile', async () => {
    const dir = temporaryFolder()
    await fill(dir)
    const [idle, other] = [await open(dir), await open(dir, { warmStart: false })]
    await idle.caches.embeddings.embedMany(texts)
    await other.caches.clear({ embeddings: true })
    await idle.caches.close()
    expect(listed(dir)).toBe(0)
    const busy = await open(dir)
    await busy.caches.embeddings.embedMany(texts)
    const closing = busy.caches.close()
    await other.caches.clear({ embeddings: true })
    await closing
    expect(listed(dir)).toBe(0)
    await other.caches.close()
  })

  it('is never read or written through a link, and goes with a clear', async () => {
    const [dir, elsewhere] = [temporaryFolder(), temporaryFolder()]
    await fill(dir)
    const clearing = await open(dir, { warmStart: false })
    await clearing.caches.clear({ embeddings: true })
    expect(readdirSync(join(dir, 'warm'))).toEqual([])
    await clearing.caches.close()
    rmdirSync(join(dir, 'warm'))
    symlinkSync(elsewhere, join(dir, 'warm'))
    const { caches, warnings } = await open(dir)
    await caches.embeddings.embedMany(texts)
    await caches.close()
    expect(readdirSync(elsewhere)).toEqual([])
    expect(warnings).toEqual([expect.stringMatching(/warm is a link, or no folder\n/)])
  })

  it('leaves a whole list where a process is killed while it writes one', async () => {
    const dir = temporaryFolder()
    await fill(dir)
    const died = await Promise.all(
      ['writeFile', 'rename'].map(at =>
        runScript(
          dir,
          `import fs from 'node:fs'
           import { syncBuiltinESMExports } from 'node:module'
           const die = () => process.kill(process.pid, 'SIGKILL')
           const { open } = fs.promises
           fs.promises.open = async (path, ...rest) => {
             const file = await open(path, ...rest)
             const whole = file.writeFile.bind(file)
             file.writeFile = async bytes => {
               await whole(bytes.subarray(0, bytes.length / 2))
               if (${at === 'writeFile'}) die()
               await whole(bytes.subarray(bytes.length / 2))
             }
             return file
           }
           fs.promises.rename = die
           syncBuiltinESMExports()
           const embedder = { space: ${JSON.stringify(OWN_SPACE)}, dims: ${DIMS}, embed: async texts => new Float32Array(${DIMS} * texts.length) }
           const caches = await lib.openCaches({ dir, embedder, warmStart: true })
           await caches.embeddings.get(${JSON.stringify(texts[0])})
           await caches.close()`,
        ),
      ),
    )
    expect(died.map(({ signal }) => signal)).toEqual(['SIGKILL', 'SIGKILL'])
    expect(readdirSync(join(dir, 'warm')).filter(name => name.endsWith('.tmp'))).toHaveLength(2)
    expect(list(dir).ranks.length).toBe(300)
    const { caches, warmed, warnings } = await open(dir)
    await caches.embeddings.computing()
    expect(await warmed).toMatchObject({ entries: 300 })
    await expectAll(caches, texts, 'memory')
    await caches.close()
    expect(warnings).toEqual([])
  })
})
