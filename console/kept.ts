// What the visitor chose and the browser keeps for the next visit. Storage may be forbidden; then it lasts as long as the page.
import { effect, type Signal, signal } from '@preact/signals'

/** A signal whose value lies in local storage under `name`; what lies there and is none of `values` is the first of them. */
export function kept<T extends string>(name: string, values: readonly [T, ...T[]]): Signal<T> {
  const key = `op-dbus-console-${name}`
  const found = values.find(one => one === read(key))
  const chosen = signal<T>(found ?? values[0])
  effect(() => {
    const value = chosen.value
    try {
      if (value === values[0]) localStorage.removeItem(key)
      else localStorage.setItem(key, value)
    } catch {
      // As above.
    }
  })
  return chosen
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}
