// What the code of wasm/kernels.ts is called by. Types only.

/** Addresses and strides in bytes. */
export interface Exports {
  dot(rows: number, stride: number, count: number, query: number, out: number): void
  normalize(rows: number, dims: number, count: number): void
  quantize(rows: number, dims: number, count: number, out: number, stride: number, scales: number): void
  scanInt8(
    rows: number,
    stride: number,
    among: number,
    count: number,
    scales: number,
    query: number,
    scale: number,
    floor: number,
    places: number,
    scores: number,
  ): number
}
