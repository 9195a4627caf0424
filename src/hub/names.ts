// What a model may be called on a hub. Runs in every runtime.

/** `name` or `org/name` as the hub allows it: safe as a part of a path and of a URL. */
export function isHubId(id: string): boolean {
  return /^[A-Za-z0-9_][\w.-]{0,95}(\/[A-Za-z0-9_][\w.-]{0,95})?$/.test(id) && !/--|\.\.|[.-](\/|$)|\.git$/.test(id)
}
