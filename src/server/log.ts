// To be written by its owner (http): what the daemon tells of itself, one JSON object a line. Never a text, a key, a token or a query string.

export interface Log {
  info(event: string, facts?: Readonly<Record<string, string | number | boolean>>): void
  warn(event: string, facts?: Readonly<Record<string, string | number | boolean>>): void
  error(event: string, facts?: Readonly<Record<string, string | number | boolean>>): void
}
