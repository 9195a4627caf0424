// Whether numbers are numbers. Pure.

/** Whether `count` numbers from `from` on are all finite. */
export function allFinite(numbers: Float32Array, from: number, count: number): boolean {
  let sum = 0
  // Nothing times zero is zero, of NaN and infinities NaN.
  for (let i = from; i < from + count; i++) sum += numbers[i]! * 0
  return sum === 0
}
