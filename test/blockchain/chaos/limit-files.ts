// Scenario: the files of a writer may not grow beyond some size, so that a write ends in its middle.

import { checkChain } from './checking.js'
import { Child } from './children.js'
import { Oracle } from './oracle.js'
import type { Break } from './target.js'

export interface LimitReport {
  readonly faults: readonly string[]
  readonly failed: number
  readonly acknowledged: number
}

export async function limitFiles(dir: string, plain?: Break): Promise<LimitReport> {
  const oracle = new Oracle()
  // In units of 512 bytes, which is what POSIX says.
  const through = ['sh', '-c', 'ulimit -f 400; exec "$0" "$@"']
  const task = { role: 'write', name: 'w', seed: 1, width: 2, largest: 3, bytes: 8_000, dir, plain, calls: 60 } as const
  const writer = await Child.start(task, { through, onEvent: oracle.hear })
  const { code } = await writer.end()
  if (code !== 0 || writer.stderr !== '') oracle.faults.push(`the writer ended with ${code}: ${writer.stderr}`)
  await checkChain(oracle, dir, { plain, strangers: plain === undefined })
  return { faults: oracle.faults, failed: oracle.failed, acknowledged: oracle.acknowledged }
}
