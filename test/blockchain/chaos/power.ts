// Scenario: the plug is pulled while a writer writes. The disk is an image in a loop device; what would be left on it is a copy of the
// image, made without a sync.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { onPath } from '../../programs.js'
import { type CheckOptions, checkChain } from './checking.js'
import { Child } from './children.js'
import { mount, mountPoint, run, unmount, unmountLeft } from './mounts.js'
import { Oracle } from './oracle.js'
import { random } from './random.js'
import type { Break } from './target.js'

const IMAGE_BYTES = 256 << 20

/** Why no power is cut here; undefined where it can be. */
export function withoutLoop(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root mounts'
  const missing = ['mkfs.ext4', 'mount', 'umount', 'losetup', 'findmnt'].find(name => onPath(name) === undefined)
  if (missing !== undefined) return `${missing} is not here`
  return spawnSync('losetup', ['-f']).status === 0 ? undefined : 'there is no loop device'
}

export interface PowerOptions {
  /** A folder of the test's own, in memory where that can be: a copy takes a moment then. */
  readonly work: string
  readonly cuts: number
  readonly seed: number
  readonly plain?: Break
}

export interface PowerReport {
  readonly faults: readonly string[]
  readonly cuts: number
  readonly acknowledged: number
  /** Cuts that left a torn tail. */
  readonly torn: number
}

/**
 * A copy takes time, and a real cut does not. What a disk holds after a cut is all that it was sent before the last flush, and any of what it
 * was sent since: so a copy counts where no flush fell into it, which the device tells. Others are made again.
 */
export async function cutPower({ work, cuts, seed, plain }: PowerOptions): Promise<PowerReport> {
  unmountLeft()
  const next = random(seed)
  const faults: string[] = []
  let [acknowledged, torn] = [0, 0]
  for (let cut = 0; cut < cuts && faults.length === 0; cut++) {
    using disk = Disk.make(join(work, `disk${cut}`))
    const oracle = new Oracle()
    const shape = {
      width: 1 + Math.floor(next() * 4),
      largest: next() < 0.4 ? 1 : 20,
      bytes: next() < 0.3 ? 6_000 : 100,
      pauseMs: 30,
    }
    const task = {
      role: 'write',
      name: `w${cut}`,
      dir: join(disk.mounted, 'data'),
      plain,
      seed: seed + cut,
      calls: 1e9,
      ...shape,
    } as const
    const writer = await Child.start(task, { onEvent: oracle.hear })
    // A third of the cuts come at the very first blocks, when folders and files are new.
    const before = cut % 3 === 0 ? 1 : 2 + Math.floor(next() * 40)
    await writer.until(events => events.filter(({ kind }) => kind === 'acknowledged').length >= before)
    let promised = oracle.copy()
    await new Promise(resolve => setTimeout(resolve, next() * 20))
    while (!disk.copied(() => (promised = oracle.copy()))) await new Promise(resolve => setImmediate(resolve))
    await writer.kill()
    using left = disk.left()
    const checked = await checkLeft(promised, join(left.mounted, 'data'), { plain, strangers: cut === cuts - 1 })
    if (checked?.before.verdict.faults.some(({ kind }) => kind === 'tail')) torn++
    acknowledged += promised.acknowledged
    faults.push(...promised.faults.map(fault => `cut ${cut}: ${fault}`))
  }
  return { faults, cuts, acknowledged, torn }
}

function checkLeft(oracle: Oracle, dir: string, options: CheckOptions) {
  return checkChain(oracle, dir, { ...options, later: 'possible' })
}

class Disk implements Disposable {
  readonly mounted: string
  readonly #image: string
  /** Its line of numbers: the kernel's block/stat. */
  readonly #stat: string

  private constructor(image: string) {
    this.#image = image
    this.mounted = mountPoint(dirname(image), basename(image))
    mount('-o', 'loop', image, this.mounted)
    this.#stat = `/sys/block/${basename(run('findmnt', ['-no', 'SOURCE', this.mounted]).trim())}/stat`
  }

  static make(image: string): Disk {
    writeFileSync(image, '')
    truncateSync(image, IMAGE_BYTES)
    run('mkfs.ext4', ['-q', '-F', image])
    return new Disk(image)
  }

  /** Copies the image; false where the copy is not what a cut would leave. `atOnce` runs right before. */
  copied(atOnce: () => void): boolean {
    const before = this.#flushes()
    atOnce()
    run('cp', ['--sparse=always', this.#image, this.#copy])
    return this.#flushes() === before
  }

  /** The copy, as the machine finds it when it starts again. */
  left(): Disk {
    return new Disk(this.#copy)
  }

  [Symbol.dispose](): void {
    unmount(this.mounted)
    rmSync(this.#image, { force: true })
  }

  get #copy(): string {
    return `${this.#image}.left`
  }

  /** Field 16. */
  #flushes(): string {
    return readFileSync(this.#stat, 'utf8').trim().split(/\s+/)[15]!
  }
}
