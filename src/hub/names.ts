// What models, commits and files may be called on a hub: safe as parts of paths and URLs. Runs in every runtime.

/** `name` or `org/name` as the hub allows it. */
export function isHubId(id: string): boolean {
  return /^[A-Za-z0-9_][\w.-]{0,95}(\/[A-Za-z0-9_][\w.-]{0,95})?$/.test(id) && !/--|\.\.|[.-](\/|$)|\.git$/.test(id)
}

/** The name of a repository's folder in a cache, and of the folder of its locks. */
export function repositoryName(id: string): string {
  return `models--${id.replace('/', '--')}`
}

/** True for a name that stays below its folder on every system. */
export function isSafePath(path: string): boolean {
  if (path === '' || path.length > 1024 || /^[A-Za-z]:|[\\\x00-\x1f\x7f]/.test(path)) return false
  return path
    .split('/')
    .every(part => part !== '' && !/^\.{1,2}$|^\.git$/i.test(part) && new TextEncoder().encode(part).length <= 255)
}

export function isCommit(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{40}$/.test(value)
}

/** A digest that names a blob: 64 hex digits of SHA-256, or 40 of Git. */
export function isBlobName(value: unknown): value is string {
  return typeof value === 'string' && /^([0-9a-f]{64}|[0-9a-f]{40})$/.test(value)
}

export function isByteCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
