// JSON values, and what is wrong with one. Types only.

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** Something wrong in a desired state. */
export interface Problem {
  /** RFC 6901, from the plugin's own state on. */
  readonly path: string
  readonly message: string
}
