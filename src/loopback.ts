// Which names and addresses lead to this machine alone. Pure: asks no resolver.

/** A host as it is bound to, or as it stands in an address or a Host header; an IPv6 address with or without brackets. */
export function isLoopback(host: string): boolean {
  // Names under localhost are this machine's by RFC 6761.
  return /^(?:(?:[\w.-]+\.)?localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/i.test(host)
}
