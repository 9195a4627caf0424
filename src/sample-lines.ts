// Log lines as a busy machine writes them, from a seed: the same seed, the same lines. For the demo, the benchmark
// and the tests.

/** A small seeded generator of numbers in [0, 1): mulberry32, by Tommy Ettinger (public domain). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

type Pick = <T>(of: readonly T[]) => T
type Whole = (below: number) => number

const UNITS = ['nginx', 'sshd', 'postgresql', 'docker', 'cron', 'openvswitch-switch', 'systemd-resolved', 'redis']
const HOSTS = ['web-1', 'web-2', 'db-1', 'edge-3', 'build-7']
const USERS = ['root', 'admin', 'deploy', 'backup', 'alice', 'postgres']
const PATHS = ['/', '/api/v1/containers', '/api/v1/blocks/latest', '/health', '/login', '/static/app.js']

/** From five words to a Java stack line: the lengths matter as much as the words. */
const TEMPLATES: readonly ((pick: Pick, whole: Whole) => string)[] = [
  (_p, w) => `Created container ${100 + w(40)}`,
  (_p, w) => `Deleted container ${100 + w(40)}`,
  p => `Started ${p(UNITS)}.service`,
  p => `Stopped ${p(UNITS)}.service`,
  (p, w) => `Interface ${p(['eth', 'veth', 'vi'])}${w(8)} is ${p(['up', 'down'])}`,
  (p, w) =>
    `${p(HOSTS)} kernel: Out of memory: Killed process ${w(32768)} (java) total-vm:${w(9e6)}kB, anon-rss:${w(8e6)}kB`,
  (p, w) => `sshd[${w(32768)}]: Failed password for ${p(USERS)} from 203.0.113.${w(256)} port ${1024 + w(60000)} ssh2`,
  (p, w) =>
    `sshd[${w(32768)}]: Accepted publickey for ${p(USERS)} from 198.51.100.${w(256)} port ${1024 + w(60000)} ssh2`,
  (p, w) =>
    `10.0.${w(8)}.${w(256)} - - "GET ${p(PATHS)} HTTP/1.1" ${p([200, 200, 200, 304, 404, 502])} ${w(90000)} "-" "curl/8.5.0"`,
  (p, w) =>
    `{"level":"${p(['info', 'warn', 'error'])}","ts":${1_700_000_000 + w(1e6)},"msg":"retrying","attempt":${w(9)},"peer":"${p(HOSTS)}"}`,
  (p, w) => `disk usage on ${p(['/', '/var', '/home', '/srv'])} is ${50 + w(50)}%`,
  (p, w) =>
    `ERROR [worker-${w(16)}] com.example.${p(['billing', 'ledger', 'search'])}.${p(['Sync', 'Index', 'Export'])}Job - ` +
    `java.lang.IllegalStateException: transaction ${w(1e9).toString(16)} was not committed within ${w(30)} s ` +
    `at com.example.core.Tx.commit(Tx.java:${w(900)}) at com.example.core.Pool.run(Pool.java:${w(400)})`,
]

/** `count` lines; about a fifth of them repeat an earlier one, as logs do. */
export function logLines(count: number, seed: number): string[] {
  const random = seeded(seed)
  const whole: Whole = below => Math.floor(random() * below)
  const pick: Pick = of => of[whole(of.length)]!
  const lines: string[] = []
  while (lines.length < count) {
    lines.push(lines.length > 0 && random() < 0.1 ? pick(lines) : pick(TEMPLATES)(pick, whole))
  }
  return lines
}
