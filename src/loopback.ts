// Which names and addresses lead to this machine alone. Pure: asks no resolver.

/** A host as it is bound to, or as it stands in an address or a Host header; an IPv6 address with or without brackets. */
export function isLoopback(host: string): boolean {
  // Names under localhost are this machine's by RFC 6761.
  return isPlain(host) || (/^(?:(?:0x)?[\da-f]|\.)+$|^\[?[\da-f:.]+\]?$/i.test(host) && isPlain(asInUrl(host)))
}

function isPlain(host: string): boolean {
  return /^(?:(?:[\w.-]+\.)?localhost|127(?:\.\d{1,3}){3}|::1|\[::1\]|\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\])$/i.test(
    host,
  )
}

/** 127.1, 0x7f000001 and ::ffff:127.0.0.1, which systems read as an address, as URLs write it. */
function asInUrl(address: string): string {
  try {
    return new URL(address.includes(':') ? `http://[${address.replace(/^\[|\]$/g, '')}]` : `http://${address}`).hostname
  } catch {
    return ''
  }
}
