// What stands around a number tells whether it is a meaning or a name: the closed lists of such words. Data only.
// A word too many costs hits; a word too few makes two events one. So in doubt a word is in.

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter(word => word !== ''))

/** A number after one of these is a meaning: `status 404`, `exit code 1`, `level=30`, `TLS 1.2`. */
export const MEANING = words(`
  status statuscode state code codes errno err error errors errorcode errcode subcode exit exited exits exitcode
  return returned returns returncode retcode retval ret rc responded response result reason signal signo sig
  level lvl loglevel runlevel severity sev priority prio pri facility
  type kind mode class category grade opcode flag flags umask event eventid eventcode qos ttl mtu api localhost
  http https tls ssl ssh utf sha md aes rsa iso rfc cve ipv x86 ext python java nodejs php perl ruby
  ubuntu debian fedora windows linux
`)

/** A line with one of these tells of a request: a number from 100 to 599 that stands free in it is a status. */
export const REQUEST = words('GET POST PUT DELETE HEAD PATCH OPTIONS HTTP HTTPS')

/** After one of these so is what looks like an address or a date: `version 1.2.3.4`, `release 2024.01.31`. */
export const VERSION = words('version ver release revision rev')

/** After these a number below 100 says which of a few: the third attempt is not the first. */
export const ORDINAL = words(`
  attempt attempts retry retries try tries step stage phase part layer tier rank ring round generation gen pass chapter
  section priority
`)

export const PORT = words('port ports sport dport spt dpt srcport dstport')

/** What may stand between such a word and its number: `status changed from 200 to 404`. */
export const FILLER = words(`
  a an the is was are be been of to from with by at and or vs value values number no num id got has had now changed
  set equals
`)

/** What ties a second number to the first. */
export const CHAIN = words('to and or vs')

/** A number before one of these is a meaning: `404 error`, `3 times`. */
export const MEANING_AFTER = words(`
  error errors status failure failures warning warnings exit signal times
`)

/** The words that begin the reason phrases of HTTP (RFC 9110): `404 Not Found`. As they are written. */
export const REASON = words(`
  OK Created Accepted No Partial Multiple Moved Found See Not Temporary Permanent Bad Unauthorized Payment Forbidden
  Method Request Conflict Gone Length Precondition Content URI Unsupported Range Expectation Unprocessable Too Internal
  Service Gateway HTTP
`)

/** Units that are told apart by their case, as in the SI: `m` is not `M`. */
export const UNITS = words(`
  s m h d ms us ns µs μs B kB KB MB GB TB PB KiB MiB GiB TiB PiB k K M G T b kb Kb Mb Gb
  bps kbps Kbps Mbps Gbps Hz kHz MHz GHz V mV kV W mW kW MW Wh kWh A mA C F J kJ N Pa hPa kPa bar
  g kg mg km cm mm nm px pt em rem dB dBm rpm fps qps rps x USD EUR GBP CHF JPY
`)

/** Units in words, in any case. */
export const UNIT_WORDS = words(`
  sec secs second seconds msec msecs millisecond milliseconds microsecond microseconds nanosecond nanoseconds min mins
  minute minutes hr hrs hour hours day days week weeks month months year years byte bytes bit bits kbit mbit gbit kib mib
  gib octets percent pct degrees celsius fahrenheit req reqs ops volts watts amps dollars euros meters metres
`)

/** Endings of source files: what follows the colon is a line, not a port. */
export const SOURCE_FILE = words(
  'java py js ts mjs cjs jsx tsx go c cc cpp h hpp rs rb kt scala php cs swift lua pl sh',
)
