// How many entries a policy is told that there is room for. Shared by memory and simulations of it, which must do the same.

/** What it is made for. Where bytes are the only bound it is not known yet how many fit: then for some. */
export function roomFor(capacity: number): number {
  return Number.isFinite(capacity) ? Math.max(1, Math.floor(capacity)) : 1024
}

/** Where bytes are the bound: whether so many `entries` that fit are worth telling, where `told` is what it knows. */
export function roomIsOther(told: number, entries: number): boolean {
  return entries <= told * 0.875 || entries >= told * 1.125
}
