// What stands around a number tells whether it is a meaning or a name: the closed lists of such words. Data only.
// A word too many costs hits; a word too few makes two events one. So in doubt a word is in.

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter(word => word !== ''))

/** A number after one of these is a meaning: `status 404`, `exit code 1`, `level=30`, `TLS 1.2`, `took 12`, `USD 12`. */
export const MEANING = words(`
  status statuses statuscode state code codes errno err error errors errorcode errcode subcode exit exited exits exitcode
  return returned returns returncode retcode retval ret rc responded response result reason signal signo sig sqlstate
  hresult ntstatus winerror res failed failure failures fails warning warnings fault exception exceptions oops panic trap
  bugcheck alert said rejected refused reject bounced killed kills terminated crashed aborted died finished ended closed
  close closing disconnect disconnected passed skipped succeeded bank mce cause vector irq syscall ioctl sense channel
  level lvl loglevel runlevel verbosity severity sev priority prio pri facility kill nice
  rule rules attribute attributes attr eventlog vlan vxlan vni asn cid oid sid hotfix sdk jdk openjdk jre
  type kind mode chmod umask permission permissions class category grade opcode flag flags event eventid eventcode qos
  ttl mtu api abi localhost raid slot zone uid gid enabled power
  http https h2 h3 tls dtls ssl ssh ftp sftp smtp esmtp lmtp imap pop3 nntp sip rtsp grpc websocket websockets ws wss mqtt dns rcode
  ldap snmp modbus radius tls ssh utf sha md aes rsa iso rfc cve ipv x86 ext wpa usb pcie bluetooth
  python java node nodejs php perl ruby go rust dotnet gcc clang llvm glibc libc openssl postgresql postgres mysql mariadb
  redis mongodb oracle db2 sqlserver sqlite nginx apache kafka elasticsearch docker kubernetes kernel chrome firefox safari edge
  ubuntu debian fedora rhel centos alpine suse windows linux macos ios android
  protocol proto schema build patch upgraded downgraded
  age count sum avg mean usage load temperature temp speed rate ratio percent score offset delta balance amount
  price cost fee width height depth weight voltage current capacity throughput bandwidth volume
  usd eur gbp chf jpy inr cny rmb krw aud cad sek nok dkk pln brl rub btc eth us rs
`)

/**
 * What someone has set, what is left of it, what is due, and how far something is off: a meaning, whatever unit follows,
 * and wherever in the clause: `ban 1.2.3.4 for 600 seconds`, `expires in 10 hours`, `lag: 12 s`.
 */
export const SETTING = words(`
  timeout timeouts timed delay delays delayed interval intervals period window max min maximum minimum limit limits limited
  threshold thresholds quota quotas cap capped ceiling floor budget ttl keepalive deadline grace retention retain retained
  lifetime expire expires expired expiring expiry expiration valid validity due until within every each next scheduled
  schedule reschedule rescheduled wait waits sleep sleeps sleeping pause paused backoff backing cooldown throttle throttled
  throttling ban bans banned banning blocked blocking blacklisted lock locked locking lockout suspend suspended
  suspending retry retries retrying retried reconnect reconnecting restarting rebooting shutting postponed deferred
  lag lags lagging lagged behind ahead skew skewed drift drifted jitter overdue late early stale
  left remaining remain remains free available spare headroom reserved reserve allowed allowance least most
  exceed exceeds exceeded exceeding over under above below more less than required requires require need needs needed
  configured config setting default requested mtu slow timer timers
`)

/** Of these a word of its own, or a part of a name, makes what follows a code: `NSURLErrorDomain=-1009`, `errSec`. */
export const CODE_PART = words(`
  err errs error errors errno code codes status statuses fault exception exit signal result fail failed failure
`)

/** After one of these a number with a unit was measured, whatever else the clause says; one without a unit is an amount. */
export const TOOK = words('took elapsed lasted spent takes')

/**
 * Names of what is measured or set, as the word before them says: `response time`, but `key size`. After them a number
 * is an amount where nothing tells otherwise: `size 67108864`, `time: 0.2477829`. One digit stays all the same (a queue
 * of size 3 may be a setting), and so does zero.
 */
export const AMOUNT = words('duration latency time uptime size length len total memory mem ram')

/** What is measured, before an AMOUNT: a number after `file size` was found, one after `pool size` was chosen. */
export const MEASURED_OF = words(`
  estimated actual real measured observed total overall elapsed wall cpu user sys system run running execution exec
  processing process query response request reply roundtrip round trip render compile load startup start boot gc
  file files content body payload message response object download upload transfer transferred compressed uncompressed
  archive blob image result results output input log document attachment phys physical used service connect up
`)

/** Said of what was done: in its clause a number with a unit was measured, unless the clause speaks of a SETTING. */
export const DONE = words(`
  read wrote written sent received receive transferred flushed copied loaded fetched downloaded uploaded stored saved
  processed scanned compressed decompressed evicted reclaimed released collected committed synced served streamed
  imported exported dumped restored archived truncated appended merged compacted replayed freed allocated consumed
  held waited idle ran result
`)

/** The same, but a state without a unit: `used 512 MB` was measured, `used 95` says how full. */
export const SPENT = words('used')

/** Before `in` and a duration these say that something is over: `done in 12 ms`. Words in -ed do too. */
export const OVER = words('done built ran found ready sent got made complete success successful successfully')

/** Keys with these are names, also below zero: `keyId: -127633188`. */
export const ID = words('id ids key hash hashcode seq seqno token serial nonce inode cookie guid')

/** What stands before an address in memory: `at 0xdeadbeef`. Of other words eight hex digits are a code. */
export const ADDRESS = words(`
  at addr address addresses ptr pointer base stack object obj handle ctx context from near pc ip sp rip rsp eip esp lr
  buffer mem memory heap
`)

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
  sip ftp sftp smtp esmtp lmtp imap pop3 nntp rtsp grpc websocket websockets mail postfix sendmail exim said rejected
  estado codigo statut etat stato codice zustand kode fehlercode
`)

/** After one of these so is what looks like an address or a date: `version 1.2.3.4`, `release 2024.01.31`. */
export const VERSION = words('version versions ver release releases revision rev')

/** After these a number below 100 says which of a few: the third attempt is not the first. */
export const ORDINAL = words(`
  attempt attempts try tries step stage phase part layer tier rank ring round generation gen pass chapter
  section priority
`)

export const PORT = words(`
  port ports sport dport spt dpt srcport dstport tcp udp sctp listen listens listening bound bind
`)

/** What may stand between such a word and its number: `status changed from 200 to 404`. */
export const FILLER = words(`
  a an the is was are be been of to from with by at and or vs value values number no num id got has had now changed
  set equals on range ok in after for only about
`)

/** What ties a second number to the first. */
export const CHAIN = words('to and or vs of')

/** A number before one of these is a meaning: `404 error`, `3 times`, `2 of 3`, `443/tcp`. */
export const MEANING_AFTER = words(`
  error errors status failure failures warning warnings exit signal times of tcp udp sctp passed failed skipped succeeded
  pending missing lost left remaining retries attempts
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
