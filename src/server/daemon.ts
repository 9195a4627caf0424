// A running daemon, as whoever started it holds it. Types only, and of no package: what `op-dbus/server` exports must not need one.

export interface Daemon {
  /** `http://127.0.0.1:8787`; empty where it listens on no TCP. */
  readonly url: string
  /** Path of the unix socket, where there is one. */
  readonly socket?: string | undefined
  /** File of the token that may change something over TCP, where there is one. */
  readonly writeTokenFile?: string | undefined
  /** Stops: listens no more, answers what is in hand, closes chain, state and caches. Calling it twice is fine. */
  close(): Promise<void>
}
