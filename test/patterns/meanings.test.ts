// Meanings that must not merge: phrasings in which a number says what happened, each with two of its values, and a
// grammar that makes many more. Two texts of one phrasing must never share a template.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMasker } from '../../src/patterns/masker.js'

const masker = createMasker()
const templateOf = (text: string) => masker.mask(text).template

/** `{a|b}`: the two values. */
const PHRASINGS = [
  '{200|404} GET /index.html (127.0.0.1) 1.23ms',
  '[W 2024-01-31 12:00:00 NotebookApp] {404|500} GET /foo (127.0.0.1) 3ms',
  '1286536309.586 921 192.168.0.68 TCP_MISS/{200|503} 507 POST http://x.com/ - DIRECT/1.2.3.4',
  'haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 {200|503} 2750 - - ---- 1/1/1/1/0 0/0 "GET /index.html HTTP/1.1"',
  'the status of request 17 is {200|404}',
  'status for /api/users: {200|404}',
  'status of upstream {200|404}',
  'failed with {404|500}',
  'got {404|500} from upstream',
  'server replied {404|200}',
  'server answered {404|200}',
  'server sent {404|200}',
  'upstream returned: {200|404}',
  'response code: {200|404}',
  'http/2 {200|404}',
  'h2 {200|404}',
  'get /index.html {200|404} 12ms',
  '"status":{200|404}',
  '"status": "{200|404}"',
  '"status_code": {200|404}',
  'status=[{200|404}]',
  'status: ok ({200|404})',
  'status\t{200|404}',
  'Status\n{200|404}',
  'statuses 200, {200, 404|404, 200}',
  '{STATUS200|STATUS404}',
  'exit code {0|1}',
  'exited with {1|2}',
  'exit status: {1|2}',
  'process finished with code {1|2}',
  'exit={1|2}',
  'rc={1|2}',
  'child died ({1|2})',
  '{eth0|eth1} up',
  'eth0 {up|down}',
  'temperature {-5|5}',
  'temperature -{5|7}',
  'delta=-{5|6}',
  'offset is –{5|6}',
  'disk {50|90}%',
  'disk {50|90} %',
  'disk {50|90} percent',
  'disk at {50|90} pct',
  '{50|90} per cent',
  'Listening on :{8080|9090}',
  'listening on *:{80|443}',
  'listening on 0.0.0.0:{80|443}',
  'listening on [::]:{80|443}',
  'server listens on {80|443}',
  'blocked {443|22}/tcp',
  'blocked tcp/{443|22}',
  'blocked tcp {443|22}',
  'PROTO=TCP SPT=443 DPT={22|23}',
  'port: {80|443}',
  'port range 80-{90|99}',
  'ports 80, {443|8443}',
  'connect to db:{5432|3306}',
  'connect to db-1:{5432|3306}',
  'connect to my-db.local:{5432|3306}',
  'myhost:{80|443} refused',
  '10.0.0.1:{80|443}',
  '10.0.0.1:40000 -> 10.0.0.2:{22|80}',
  'src=10.0.0.1 port={22|80}',
  '[fe80::1]:{80|443}',
  'http://10.0.0.1:{8080|9090}/x',
  'http://user@host:{8080|9090}/x',
  'postgres://u:p@db_1:{5432|5433}/x',
  'Redis {7.2|6.0} started',
  'PostgreSQL {14|16} started',
  'MySQL {8.0.32|8.0.33}',
  'kernel {5.15|6.1}',
  'upgraded from 1.2 to {1.3|1.4}',
  'node {18|20}',
  'Version: {7|8}',
  'version={7|8}',
  '{v7|v8}',
  'api/{v1|v2}/x',
  'build {7|8}',
  'schema {7|8}',
  'nginx-{1.24|1.25}',
  'protocol {3|4}',
  'package foo 1.2-{3|4}',
  'libc6 {2.36|2.37}-9',
  'glibc {2.36|2.37}',
  'level {3|4}',
  'verbosity {3|4}',
  'log level: {3|4}',
  'V({3|4})',
  '{941|94} Mbits/sec',
  'USD {5|500}',
  '₹{5|500}',
  '{5|500} €',
  '{5|500}€',
  '{5|9} Tbps',
  '{5|9} liters',
  '{5|9} L',
  '{5|9} ft',
  '{5|9} psi',
  '{5|9} cores',
  '{5|9} Ω',
  '{5|9} ppm',
  '{5|9} Mbps',
  '{5|9} lux',
  '{5|9} VA',
  '{5|9} mAh',
  '{5|9}-second delay',
  '{5|9} MiB/s',
  '{5|9} inches',
  '{5|9} km/h',
  '{5|9} mph',
  '{5|9} tons',
  '{5|300} K',
  '{5|9} %',
  'elapsed_ms={5|9}',
  'duration {5|9}',
  'HTTP status {200|404}',
  'HTTP/1.1 {200|404}',
  '"GET / HTTP/1.1" {200|404} 1',
  'Completed {200|404} OK',
  'error {5|6}',
  'Error: {5|6}',
  'E: {5|6}',
  'errno {13|2}',
  '(errno={13|2})',
  '[Errno {13|2}]',
  'ORA-{00942|00600}',
  'MY-{010116|010117}',
  'SQLSTATE {42601|42P01}',
  'SQLSTATE {42601|42602}',
  'SQLSTATE[{42601|42602}]',
  'Win32 error {0x5|0x6}',
  'HRESULT {0x80070005|0x80070057}',
  'failed: {0x80070005|0x80070057}',
  'CVE-2021-{44228|45046}',
  'RFC {2119|8259}',
  'event ID {4624|4625}',
  'EventID={4624|4625}',
  'Event {4624|4625}',
  '{KB5005565|KB5005566}',
  '{1|2} of 2 up',
  'power {0|1}',
  'enabled={0|1}',
  'flag {true|false}',
  'gear {1|2}',
  'up {1|0}',
  'replicas {0|3}/3',
  'replicas {1|3}/3',
  'raid {1|5}',
  '{RAID1|RAID5}',
  '{md0|md1}',
  'priority {10|20}',
  'zone {1|2}',
  'mode {755|644}',
  'chmod {0755|0644}',
  'permissions {0755|0644}',
  'uid={0|1000}',
  'uid={1|1000}',
  'runlevel {3|5}',
  'init {3|5}',
  'init: {3|5}',
  '{2024|2023} report',
  '{Q1|Q2} 2024',
  'signal {9|15}',
  'SIG {9|15}',
  'kill -{9|15}',
  '{IPv4|IPv6}',
  'sha {256|512}',
  'WPA {2|3}',
  'tls {1.2|1.3}',
  '{TLSv1.2|TLSv1.3}',
  'SSH-{2.0|1.99}',
  'USB {2.0|3.0}',
  'PCIe {3.0|4.0} x16',
  'Windows {10|11}',
  'macOS {13|14}',
  'iOS {16|17}',
  'Android {13|14}',
  'ABI {3|4}',
  'C++ {17|20}',
  'code {1e5|1e6}',
  'status {200abc|404abc}',
  'status #{200|404}',
  'status “{200|404}”',
  'status - {200|404}',
  'status -- {200|404}',
  'status => {200|404}',
  'status → {200|404}',
  'Status：{200|404}',
  '状态 {200|404}',
  'статус {200|404}',
  'estado {200|404}',
  'статус ответа: {200|404}',
  'status code for req-1: {200|404}',
  'status "OK" {200|404}',
  'status ok {200|404}',
  'status 1 {200|404}',
  'status 200 {404|500}',
  'status 200 and {404|500}',
  'status 200; {404|500}',
  'exit codes: 1 {2|3}',
  'code 1 signal {2|3}',
  'status {00200|00404}',
  'responded with status code {200|404}',
  'responded with {200|404}',
  'responded {200|404} to client',
  'returns {200|404}',
  'health check {200|503}',
  'healthcheck: {200|503}',
  'probe failed with statuscode: {500|503}',
  'a {404|500} was served',
  'HTTP-{200|404}',
  '{http_200|http_404}',
  'HTTP:{200|404}',
  'curl: ({7|28})',
  'curl: ({7|28}) Failed',
  'npm ERR! code {1|2}',
  'make: *** [all] Error {1|2}',
  'returned non-zero exit status {1|2}',
  'code=exited, status={1|2}/FAILURE',
]

function bothOf(phrasing: string): [string, string] {
  const [, before = '', one = '', other = '', after = ''] = /^(.*)\{([^{|]*)\|([^|}]*)\}(.*)$/s.exec(phrasing) ?? []
  return [before + one + after, before + other + after]
}

/** Values by what they are. */
const status = fc.integer({ min: 100, max: 599 })
const code = fc.integer({ min: 0, max: 255 })
const port = fc.integer({ min: 1, max: 32_767 })
const small = fc.integer({ min: 0, max: 99 })
const any = fc.integer({ min: 0, max: 99_999 })
const decimal = fc.tuple(small, small).map(([whole, part]) => `${whole}.${part}`)

const join = (words: string[], ...links: string[]) =>
  fc.tuple(fc.constantFrom(...words), fc.constantFrom(...links)).map(
    ([word, link]) =>
      (n: unknown) =>
        word + link + n,
  )
const before = (...units: string[]) =>
  fc
    .tuple(fc.constantFrom('', 'took ', 'sent ', 'of ', '= '), fc.constantFrom(' ', '  ', '\u00a0', '\u2009', '-', ''))
    .chain(([lead, gap]) => fc.constantFrom(...units).map(unit => (n: unknown) => `${lead}${n}${gap}${unit}`))
const cased = (words: string[]) =>
  words.flatMap(word => [word, word.toUpperCase(), word[0]!.toUpperCase() + word.slice(1)])

const LINKS = [
  ' ',
  ': ',
  '=',
  ' = ',
  '="',
  ' is ',
  ' was ',
  ' (',
  '[',
  ' -> ',
  '/',
  ' - ',
  ' #',
  ' of x: ',
  ' "OK" ',
  ' for /a/b: ',
]
const phrase = (say: fc.Arbitrary<(value: unknown) => string>, value: fc.Arbitrary<number | string>) =>
  fc.tuple(say, value, value)
/** What says that the number is a meaning, and its number. */
const GRAMMAR = fc.oneof(
  phrase(
    join(cased(['status', 'status code', 'response', 'http', 'http status', 'health check', 'statuscode']), ...LINKS),
    status,
  ),
  phrase(
    join(
      ['GET /index.html', 'POST /x HTTP/1.1"', 'http/2', 'upstream', 'curl', 'TCP_MISS', 'replied', 'answered'],
      ' ',
      '/',
      ' - ',
    ),
    status,
  ),
  phrase(
    join(
      cased(['exit code', 'exit status', 'exited with', 'returned', 'rc', 'exit codes: 1']),
      ' ',
      '=',
      ': ',
      ' is ',
      ', ',
    ),
    code,
  ),
  phrase(
    join(
      cased(['error', 'errno', 'error code', 'signal', 'code', 'sqlstate', 'event id']),
      ' ',
      '=',
      ': ',
      ' #',
      '[',
      ' (',
    ),
    any,
  ),
  phrase(join(['port', 'dport', 'DPT', 'tcp', 'udp', 'listening on', 'listens on'], ' ', '=', ': ', '/', ' :'), port),
  phrase(join(['', '*', '[::]', '0.0.0.0', '10.0.0.1', 'db', 'my-db.local', 'localhost', 'http://h'], ':'), port),
  phrase(
    join(['443', '22', '8080'], '-', ', ').map(say => (n: unknown) => `ports ${say(n)}`),
    port,
  ),
  phrase(
    join(cased(['level', 'log level', 'severity', 'priority', 'verbosity', 'runlevel']), ' ', '=', ': ', '-'),
    small,
  ),
  phrase(
    join(
      cased(['version', 'release', 'build', 'postgresql', 'node', 'kernel', 'tls', 'usb', 'python']),
      ' ',
      '=',
      ': ',
    ),
    any,
  ),
  phrase(join(['v', 'nginx-', 'Redis ', 'foo/', 'upgraded from 1.2 to ', 'USB ', 'pi '], ''), decimal),
  phrase(before('%', '‰', '€', '₹', '$', 'Ω', '°C', 'MiB/s', 'Mbits/sec', 'L', 'mAh', 'psi', 'ppm', 'mph'), any),
  phrase(before('minute', 'days', 'percent', 'kWh', 'Gbps', 'liters', 'cores', 'times', 'errors'), any),
  phrase(join(['USD', 'EUR', '$', '₹', 'temperature', 'count', 'limit', 'score'], ' ', '=', ': '), any),
  phrase(join(['x', 'delta', 'offset is', ''], ' -', ' +', ' −', ' –'), any),
)

const AROUND = [
  '',
  'container 17 ',
  'from 10.0.0.1:50000 ',
  'at 12:00:01, ',
  'done; ',
  '[worker-3] ',
  'pid 4711: ',
  '2024-01-31T12:00:00Z ',
  '"x" ',
  '(a) ',
]

describe('a number that says what happened', () => {
  it('keeps its text apart, in phrasings of many programs', () => {
    for (const phrasing of PHRASINGS) {
      const [one, other] = bothOf(phrasing)
      expect(one, phrasing).not.toBe(other)
      expect(templateOf(one), phrasing).not.toBe(templateOf(other))
    }
  })

  it('keeps its text apart, in every phrasing of a grammar of statuses, codes, ports, levels, versions and amounts', () => {
    const around = fc.constantFrom(...AROUND)
    fc.assert(
      fc.property(GRAMMAR, around, around, ([say, one, other], before, after) => {
        fc.pre(one !== other)
        const text = (value: unknown) => `${before}${say(value)} ${after}`
        expect(templateOf(text(one))).not.toBe(templateOf(text(other)))
      }),
      { numRuns: 4000 },
    )
  })

  it('and one that says which does not: names of things share a template', () => {
    const names = [
      'Created container {100|101}',
      'Created container {101|102}',
      'job_{17|18} queued',
      'sshd[{1234|4321}]: x',
    ]
    for (const name of names) {
      const [one, other] = bothOf(name)
      expect(templateOf(one), name).toBe(templateOf(other))
    }
  })
})
