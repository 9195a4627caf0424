// What a request may do: by the way it came, and by its token, compared in constant time. Knows no route and reads no file.
import { timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Access, Permission } from './context.js'
import { HttpProblem } from './http-errors.js'
import { digestOf, type TokenDigest } from './tokens.js'

export interface AuthRules {
  /** Undefined: nothing may be changed over TCP. */
  readonly write: TokenDigest | undefined
  readonly read: TokenDigest | undefined
  /** Reading takes a token too. */
  readonly readTakesToken: boolean
}

const ALL: Permission = { read: true, write: true }
const READ: Permission = { read: true, write: false }
const NOTHING: Permission = { read: false, write: false }

export class Auth {
  readonly #rules: AuthRules
  readonly #without: Permission

  constructor(rules: AuthRules) {
    this.#rules = rules
    this.#without = rules.readTakesToken ? NOTHING : READ
  }

  /** What takes a token. */
  get takesToken(): Permission {
    return { read: this.#rules.readTakesToken, write: true }
  }

  /** `trusted`: it came over a way that only the owner of this daemon has. */
  permissionOf(headers: IncomingHttpHeaders, trusted: boolean): Permission {
    if (trusted) return ALL
    const token = tokenIn(headers)
    if (token === undefined) return this.#without
    const digest = digestOf(token)
    const { write, read } = this.#rules
    // Both are always compared, so that time tells nothing.
    const mayWrite = write !== undefined && timingSafeEqual(digest, write)
    const mayRead = read !== undefined && timingSafeEqual(digest, read)
    return mayWrite ? ALL : mayRead ? READ : this.#without
  }

  /** @throws HttpProblem 401 without a token that will do, 403 with one that may only read */
  check(access: Access, headers: IncomingHttpHeaders, trusted: boolean): void {
    if (access === 'open' || (access === 'read' && !this.#rules.readTakesToken)) return
    const { read, write } = this.permissionOf(headers, trusted)
    if (access === 'read' ? read : write) return
    if (access === 'write' && read && this.#rules.readTakesToken) {
      throw new HttpProblem(403, 'FORBIDDEN', 'this token may only read: what changes something takes the write token')
    }
    const which = access === 'write' ? 'the write token' : 'a token'
    throw new HttpProblem(
      401,
      'UNAUTHORIZED',
      tokenIn(headers) === undefined
        ? `this takes ${which}, as the header "Authorization: Bearer TOKEN"; the server says at its start where it lies`
        : `this takes ${which}, and the one that came is another`,
      { headers: { 'www-authenticate': 'Bearer realm="op-dbus"' } },
    )
  }
}

function tokenIn(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers
  if (authorization !== undefined && /^bearer /i.test(authorization)) return authorization.slice(7).trim()
  const key = headers['x-api-key']
  return typeof key === 'string' && key !== '' ? key : undefined
}
