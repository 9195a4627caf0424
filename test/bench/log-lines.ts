// Made-up log lines of mixed length, the same for the same seed.

import { seeded as seededRandom } from '../../src/sample-lines.js'

export { seededRandom }

const SERVICES = ['nginx', 'sshd', 'postgresql', 'docker', 'cron', 'kubelet', 'dnsmasq', 'redis-server'] as const
const USERS = ['root', 'admin', 'deploy', 'www-data', 'backup'] as const
const PATHS = ['/var/lib/app', '/srv/data', '/home/deploy', '/var/log', '/mnt/backup'] as const
const REASONS = ['connection refused', 'timed out', 'no route to host', 'permission denied', 'broken pipe'] as const

/** `count` different lines, of 3 to about 120 tokens: many short ones, some long ones, as logs are. */
export function logLines(count: number, seed = 1): string[] {
  const random = seededRandom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const one = <T>(of: readonly T[]): T => of[below(of.length)]!
  const address = () => `10.${below(256)}.${below(256)}.${1 + below(254)}`
  const hex = (length: number) => Array.from({ length }, () => below(16).toString(16)).join('')
  const frame = () => `at com.example.${one(SERVICES).replace('-', '')}.Handler.run(Handler.java:${1 + below(900)})`

  const kinds = [
    () => `Created container ${below(100_000)}`,
    () => `Deleted container ${below(100_000)}`,
    () => `Started ${one(SERVICES)}.service in ${below(5000)} ms`,
    () => `Interface eth${below(64)} is ${one(['up', 'down'])}, speed ${one([100, 1000, 10_000])} Mbit/s`,
    () => `Disk usage on ${one(PATHS)}/${hex(4)} is ${below(101)}%`,
    () => `Failed password for ${one(USERS)} from ${address()} port ${1024 + below(60_000)} ssh2`,
    () => `${one(SERVICES)}[${below(32_768)}]: ${address()}: ${one(REASONS)} after ${1 + below(60)} attempts`,
    () =>
      `${address()} - ${one(USERS)} "GET /api/v${1 + below(3)}/items/${below(10_000)}?page=${below(50)} HTTP/1.1" ${one([200, 304, 404, 500])} ${below(90_000)}`,
    () =>
      `{"level":"warn","service":"${one(SERVICES)}","trace":"${hex(16)}","msg":"retrying request to ${address()}","attempt":${1 + below(9)}}`,
    () =>
      `Out of memory: Killed process ${below(32_768)} (${one(SERVICES)}) total-vm:${below(9_000_000)}kB, anon-rss:${below(4_000_000)}kB, oom_score_adj:${below(1000)}`,
    () =>
      `ERROR ${one(REASONS)} while writing ${one(PATHS)}/${hex(8)}: ${Array.from({ length: 1 + below(3) }, frame).join(' ')}`,
  ]

  const lines = new Set<string>()
  while (lines.size < count) lines.add(one(kinds)())
  return [...lines]
}
