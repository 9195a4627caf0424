// Where a shared store is, out of its URL. Connects to nothing; no sentence of it ever repeats the URL, which may hold a password.

/** A Redis, or a cluster of them. */
export interface SharedAddress {
  /** More than one only of a cluster. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  readonly cluster: boolean
  readonly tls: boolean
  /** Absent: the server's own default user. */
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** 0 in a cluster. */
  readonly database: number
}

/** The forms that a URL may have, for people. */
export const SHARED_URL_FORMS =
  'redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, or redis+cluster://HOST:PORT,HOST:PORT (rediss+cluster://)'

const SCHEMES: Readonly<Record<string, { readonly cluster: boolean; readonly tls: boolean }>> = {
  redis: { cluster: false, tls: false },
  rediss: { cluster: false, tls: true },
  'redis+cluster': { cluster: true, tls: false },
  'rediss+cluster': { cluster: true, tls: true },
}

/** The address, or what is wrong with the URL. */
export function parseSharedUrl(url: unknown): SharedAddress | { readonly fault: string } {
  if (typeof url !== 'string') return { fault: `a URL is a text: ${SHARED_URL_FORMS}` }
  // Loosely at first, so that each part can be said to be wrong by itself.
  const [, scheme = '', rest = ''] = /^([a-z+]+):\/\/(.*)$/is.exec(url.trim()) ?? []
  const kind = Object.hasOwn(SCHEMES, scheme.toLowerCase()) ? SCHEMES[scheme.toLowerCase()] : undefined
  if (kind === undefined) return { fault: `the URL does not begin as one of ${SHARED_URL_FORMS}` }
  if (/[\s\p{C}?#]/u.test(rest))
    return { fault: 'the URL holds a blank, a question mark or a number sign; write them as %20, %3F, %23' }
  const at = rest.lastIndexOf('@')
  const user = at < 0 ? undefined : userOf(rest.slice(0, at))
  if (user === null)
    return {
      fault: 'user and password of the URL are not percent-encoded as they should be (@ is %40, / is %2F, : is %3A)',
    }
  const [hosts = '', ...path] = rest.slice(at + 1).split('/')
  const database = path.join('/')
  if (!/^\d{0,5}$/.test(database) || (kind.cluster && Number(database) > 0)) {
    return { fault: 'what follows the host is the number of a database, which a cluster has not' }
  }
  const parsed = hosts.split(',').map(hostOf)
  if (parsed.includes(undefined))
    return { fault: 'a host of the URL is none; it is HOST:PORT, and IPv6 addresses lie in [ ]' }
  if (parsed.length > 1 && !kind.cluster) return { fault: 'several hosts are a cluster: redis+cluster://' }
  return { hosts: parsed as SharedAddress['hosts'], ...kind, ...user, database: Number(database) }
}

/** For messages: without user, password and database. */
export function shownAddress({ hosts, cluster, tls }: SharedAddress): string {
  const places = hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',')
  return `${tls ? 'rediss' : 'redis'}${cluster ? '+cluster' : ''}://${places}`
}

function userOf(text: string): Pick<SharedAddress, 'username' | 'password'> | null {
  const colon = text.indexOf(':')
  if (/[/@]/.test(text)) return null
  try {
    const username = decodeURIComponent(colon < 0 ? text : text.slice(0, colon)) || undefined
    const password = colon < 0 ? undefined : decodeURIComponent(text.slice(colon + 1)) || undefined
    return { username, password }
  } catch {
    return null
  }
}

function hostOf(text: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, port = '6379'] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text) ?? []
  const host = bracketed ?? plain
  return host === undefined || Number(port) < 1 || Number(port) > 65_535 ? undefined : { host, port: Number(port) }
}
