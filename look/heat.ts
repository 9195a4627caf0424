// A vector as a strip of colours: low - page - high, symmetric about 0. Pure but for `drawStrip`.

export type Rgb = readonly [red: number, green: number, blue: number]

export interface HeatColours {
  readonly low: Rgb
  /** The page's own tone: what 0 looks like. */
  readonly middle: Rgb
  readonly high: Rgb
}

/** 256 colours for -1 .. 1, as RGBA bytes. */
export function heatTable({ low, middle, high }: HeatColours): Uint8ClampedArray {
  const table = new Uint8ClampedArray(256 * 4)
  for (let i = 0; i < 256; i++) {
    const value = (i - 127.5) / 127.5
    const end = value < 0 ? low : high
    // A root lifts the many small values off the page's tone; the sign and the order stay.
    const share = Math.sqrt(Math.abs(value))
    for (let channel = 0; channel < 3; channel++) {
      table[4 * i + channel] = middle[channel]! + (end[channel]! - middle[channel]!) * share
    }
    table[4 * i + 3] = 255
  }
  return table
}

/** One pixel a dimension. `scale` is the magnitude that gets the full colour; what is no number is the page's tone. */
export function heatPixels(
  vector: Float32Array,
  scale: number,
  table: Uint8ClampedArray,
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(vector.length * 4)
  for (let i = 0; i < vector.length; i++) {
    const value = scale > 0 ? vector[i]! / scale : 0
    const index = Number.isFinite(value) ? Math.round(127.5 + 127.5 * Math.max(-1, Math.min(1, value))) : 128
    pixels.set(table.subarray(4 * index, 4 * index + 4), 4 * i)
  }
  return pixels
}

export function largest(vector: Float32Array): number {
  let most = 0
  for (let i = 0; i < vector.length; i++) most = Math.max(most, Math.abs(vector[i]!) || 0)
  return most
}

export function drawStrip(
  canvas: HTMLCanvasElement,
  vector: Float32Array,
  scale: number,
  table: Uint8ClampedArray,
): void {
  canvas.width = vector.length
  canvas.height = 1
  canvas.getContext('2d')?.putImageData(new ImageData(heatPixels(vector, scale, table), vector.length, 1), 0, 0)
}

/** `rgb(0, 114, 178)` and `rgba(…)` as the browser writes computed colours. */
export function parseRgb(text: string): Rgb {
  const [red = 0, green = 0, blue = 0] = (text.match(/[\d.]+/g) ?? []).map(Number)
  return [red, green, blue]
}
