// What stands around a number tells whether it is a meaning or a name: the closed lists of such words. Data only.
// A word too many costs hits; a word too few makes two events one. So in doubt a word is in.

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter(word => word !== ''))

/** A number after one of these is a meaning: `status 404`, `exit code 1`, `level=30`, `TLS 1.2`, `took 12`, `USD 12`. */
export const MEANING = words(`
  status statuses statuscode state code codes errno err error errors errorcode errcode subcode exit exited exits exitcode
  return returned returns returncode retcode retval ret rc responded response result reason signal signo sig sqlstate
  hresult ntstatus winerror res failed failure failures fails warning warnings fault exception
  level lvl loglevel runlevel verbosity severity sev priority prio pri facility kill nice
  type kind mode chmod umask permission permissions class category grade opcode flag flags event eventid eventcode qos
  ttl mtu api abi localhost raid slot zone uid gid enabled power
  http https h2 h3 tls ssl ssh utf sha md aes rsa iso rfc cve ipv x86 ext wpa usb pcie bluetooth
  python java node nodejs php perl ruby go rust dotnet gcc clang llvm glibc libc openssl postgresql postgres mysql mariadb
  redis mongodb sqlite nginx apache kafka elasticsearch docker kubernetes kernel chrome firefox safari edge
  ubuntu debian fedora rhel centos alpine suse windows linux macos ios android
  protocol proto schema build patch upgraded downgraded
  timeout delay interval age count sum avg mean max min limit
  threshold quota usage used free load temperature temp speed rate ratio percent score offset delta drift balance amount
  price cost fee width height depth weight voltage current capacity throughput bandwidth volume
  usd eur gbp chf jpy inr cny rmb krw aud cad sek nok dkk pln brl rub btc eth us rs
`)

/**
 * After one of these a number was measured, and no two of a kind are equal: `size 67108864`, `time: 0.2477829`. One digit
 * stays all the same (a queue of size 3 may be a setting), and so does zero.
 */
export const AMOUNT = words('took elapsed duration latency time uptime size length len total memory mem ram')

/**
 * Things of which a program makes many and numbers them: `task 3`, `block rdd_2_0`, `TID 7`. Their numbers are names, even
 * of one digit, and so are those of the word that follows. Nothing that is also a verb or says a state.
 */
export const THING = words(`
  task tid job thread container block partition variable session connection conn transaction txn segment chunk shard
  executor instance worker broker replica jvm vm
`)

/** Methods of HTTP: in capitals, or before a path, they speak of a request too; `head` and `get` alone are plain words. */
export const METHOD = words('GET POST PUT DELETE HEAD PATCH OPTIONS CONNECT TRACE')

/**
 * A text with one of these speaks of outcomes, requests or ports: in it every number below 1,000 stays, wherever it
 * stands, since which of them is the outcome only a reader knows: `TCP_MISS/200`, `got 404 from upstream`.
 */
export const OUTCOME = words(`
  http https h2 h3 url uri request requests response responded replied
  reply answered served upstream backend proxy gateway client server curl wget health healthcheck 
  probe webhook 
  status statuses statuscode state code codes exit exited exits exitcode errno errorcode return returned returns failed
  fails failure failing rc died signal sqlstate hresult ntstatus
  tcp udp port ports listen listens listening bound bind firewall blocked allowed denied dropped
  estado codigo statut etat stato codice zustand kode fehlercode
`)

/** After one of these so is what looks like an address or a date: `version 1.2.3.4`, `release 2024.01.31`. */
export const VERSION = words('version versions ver release releases revision rev')

/** After these a number below 100 says which of a few: the third attempt is not the first. */
export const ORDINAL = words(`
  attempt attempts retry retries try tries step stage phase part layer tier rank ring round generation gen pass chapter
  section priority
`)

export const PORT = words(`
  port ports sport dport spt dpt srcport dstport tcp udp sctp listen listens listening bound bind
`)

/** What may stand between such a word and its number: `status changed from 200 to 404`. */
export const FILLER = words(`
  a an the is was are be been of to from with by at and or vs value values number no num id got has had now changed
  set equals on range ok
`)

/** What ties a second number to the first. */
export const CHAIN = words('to and or vs of')

/** A number before one of these is a meaning: `404 error`, `3 times`, `2 of 3`, `443/tcp`. */
export const MEANING_AFTER = words(`
  error errors status failure failures warning warnings exit signal times of tcp udp sctp
`)

/** The words that begin the reason phrases of HTTP (RFC 9110): `404 Not Found`. As they are written. */
export const REASON = words(`
  OK Created Accepted No Partial Multiple Moved Found See Not Temporary Permanent Bad Unauthorized Payment Forbidden
  Method Request Conflict Gone Length Precondition Content URI Unsupported Range Expectation Unprocessable Too Internal
  Service Gateway HTTP
`)

/** Units of time and of stored bytes, which are measured, as they are written. A minute is no `min`: that is a minimum. */
export const MEASURE = words(`
  s ms us ns µs μs h msec msecs sec secs B kB KB MB GB TB PB EB ZB KiB MiB GiB TiB PiB EiB kb Kb
`)

/**
 * The same in words, in any case. In the plural alone: `a 5 minute average` and `30 second timeout` are settings. Days and
 * longer are none: what is due in 1 day is not what is due in 30.
 */
export const MEASURE_WORDS = words(`
  seconds milliseconds microseconds nanoseconds millis micros nanos minutes mins hours hrs bytes kbytes mbytes gbytes tbytes
  kilobytes megabytes gigabytes terabytes kibibytes mebibytes gibibytes octets
`)

/** What is counted. From 1,000 on nobody tells one count from the next; below, `100 rows` may be a setting. */
export const COUNTED = words(`
  pages blocks sectors frames packets items rows records entries lines files objects messages connections copies
`)

/** Further units that are told apart by their case, as in the SI: `m` is not `M`. Their numbers say a state, or a price. */
export const UNITS = words(`
  m d w y ps k K M G T P b Mb Gb
  bps kbps Kbps Mbps Gbps Tbps Hz kHz MHz GHz V mV kV VA kVA W mW kW MW Wh kWh A mA Ah mAh Ω kΩ MΩ Ω kΩ MΩ C F J kJ N Pa hPa kPa bar
  g kg mg t L l mL ml dl km cm mm nm ft yd mi mph kmh px pt em rem dB dBm rpm fps qps rps tps iops IOPS ppm ppb psi lx lm x USD EUR GBP CHF JPY INR CNY KRW AUD CAD SEK NOK DKK PLN BRL RUB BTC
`)

/** Such units in words, in any case. */
export const UNIT_WORDS = words(`
  second msec millisecond microsecond nanosecond min minute hr hour day days week weeks month months year years byte bit bits
  kbit mbit gbit kib mib gib percent per pct pts points degrees celsius fahrenheit req reqs ops volts watts amps dollars cents
  euros pounds rupees yen meters metres miles feet inches liters litres grams kilograms tons tonnes lux ohm ohms lumens cores
  cpus threads replicas nodes
`)

/** `Mbits`, `kibibit`, in lower case. */
export const UNIT_FORM = /^(?:[kmgtpe]i?|kibi|mebi|gibi|tebi|kilo|mega|giga|tera)?(?:bits?|bytes?|bps|hz|watts?|hertz)$/

/** Endings of source files: what follows the colon is a line, not a port. */
export const SOURCE_FILE = words(
  'java py js ts mjs cjs jsx tsx go c cc cpp h hpp rs rb kt scala php cs swift lua pl sh',
)
