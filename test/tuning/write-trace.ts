// Writes requests as a trace file of one process, as the recorder would.
import { writeFileSync } from 'node:fs'
import { crc32 } from '../../src/cache/crc32.js'
import type { CacheName } from '../../src/ports.js'
import type { Requests } from '../../src/tuning/requests.js'
import { encodeHeader, TraceBlock, type TracedCache } from '../../src/tuning/trace-format.js'

export interface WriteTraceOptions {
  /** 32 hex digits. */
  readonly process: string
  readonly caches: Readonly<Partial<Record<CacheName, TracedCache>>>
}

export function writeTrace(path: string, requests: Requests, { process, caches }: WriteTraceOptions): void {
  const header = encodeHeader({ process, part: 1, began: requests.at[0] ?? 0, caches }, crc32)
  const parts: Uint8Array[] = [header.bytes]
  const block = new TraceBlock()
  const finish = () => parts.push(block.finish(parts.length - 1, header.crc, crc32).slice())
  for (let i = 0; i < requests.length; i++) {
    const one = Object.fromEntries(
      (['at', 'cache', 'key', 'bytes', 'tokens', 'cost', 'micros', 'outcome'] as const).map(name => [
        name,
        requests[name][i]!,
      ]),
    ) as Parameters<TraceBlock['add']>[0]
    if (!block.takes(one.at, 1)) finish()
    block.add(one, 1)
  }
  if (block.records > 0) finish()
  finish()
  writeFileSync(path, Buffer.concat(parts))
}
