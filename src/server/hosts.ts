// Whom a browser speaks for: the Host header (DNS rebinding), the Origin, and the few origins that are listed (CORS). Knows no token.
import type { IncomingHttpHeaders } from 'node:http'
import { OpDbusError } from '../errors.js'
import { isLoopback } from '../loopback.js'
import { HttpProblem } from './http-errors.js'

export interface HostRules {
  /** Bound to loopback alone. */
  readonly loopback: boolean
  readonly allowHosts: readonly string[]
  readonly cors: readonly string[]
}

/** @throws OpDbusError INVALID_INPUT for what is not an origin as browsers send it */
export function checkOrigin(origin: string): void {
  let known: string | undefined
  try {
    known = new URL(origin).origin
  } catch {
    known = undefined
  }
  if (known === origin && /^https?:/.test(origin)) return
  throw new OpDbusError(
    'INVALID_INPUT',
    `cors: ${JSON.stringify(origin.slice(0, 60))} is not an origin\nname each one as browsers send it: https://app.example, with no path and no *`,
    { details: { option: 'cors' } },
  )
}

export class Hosts {
  readonly #rules: HostRules
  readonly #allowed: ReadonlySet<string>
  readonly #origins: ReadonlySet<string>
  /** Host headers that were looked at, so that the usual one costs a look into a set. */
  readonly #sound = new Set<string>()

  constructor(rules: HostRules) {
    this.#rules = rules
    this.#allowed = new Set(rules.allowHosts.map(host => host.toLowerCase()))
    this.#origins = new Set(rules.cors)
  }

  /**
   * Answers the origin, where it is a listed one that has to be told so. `target`: as the request line has it.
   * @throws HttpProblem 403, and 400 where it is not said, or said twice, who is asked
   */
  check({ host, origin }: IncomingHttpHeaders, target = '/'): string | undefined {
    // HTTP/1.0 may leave it out, and no browser speaks that.
    if (host !== undefined && !this.#sound.has(host)) this.#refuseHost(host)
    // A whole URL names whom it asks (RFC 9112, 3.2.2), and that is to be the same.
    if (target[0] !== '/' && target !== '*' && !isOfHost(target, host)) throw misdirected()
    if (origin === undefined) return undefined
    if (this.#origins.has(origin)) return origin
    if (host !== undefined && this.#isOurs(origin, host)) return undefined
    throw new HttpProblem(
      403,
      'FORBIDDEN',
      'pages of this origin may not ask here: start the server with --cors ORIGIN',
    )
  }

  /** Whether it is that of the page that this server gives out. Behind a proxy, which has to be named, that may be one of https. */
  #isOurs(origin: string, host: string): boolean {
    return origin === `http://${host}` || (origin === `https://${host}` && !isLoopback(nameIn(host)))
  }

  #refuseHost(host: string): void {
    if (host.includes(',')) throw misdirected()
    const name = nameIn(host)
    const allowed =
      this.#allowed.has(name) ||
      this.#allowed.has(host.toLowerCase()) ||
      isLoopback(name) ||
      // Where everybody who asks has a token, a name decides nothing, unless names were listed.
      (!this.#rules.loopback && this.#allowed.size === 0)
    if (!allowed) {
      throw new HttpProblem(403, 'FORBIDDEN', 'this server is not called so: start it with --allow-host NAME')
    }
    if (this.#sound.size < 100) this.#sound.add(host)
  }
}

function nameIn(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '')
}

function isOfHost(target: string, host: string | undefined): boolean {
  try {
    return new URL(target).host === new URL(`http://${host}`).host
  } catch {
    return false
  }
}

function misdirected(): HttpProblem {
  return new HttpProblem(400, 'INVALID_INPUT', 'a request names one host, in its Host header')
}
