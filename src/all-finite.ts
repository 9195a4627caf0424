// Whether numbers are numbers. Pure.

/** Whether `count` numbers from `from` on are all finite. */
export function allFinite(numbers: Float32Array, from: number, count: number): boolean {
  const end = from + count
  let [sum, i] = [0, from]
  // Nothing times zero is zero, of NaN and infinities NaN. Four at once, since each sum waits for the one before.
  for (; i + 3 < end; i += 4) sum += (numbers[i]! + numbers[i + 1]! + numbers[i + 2]! + numbers[i + 3]!) * 0
  for (; i < end; i++) sum += numbers[i]! * 0
  return sum === 0
}
