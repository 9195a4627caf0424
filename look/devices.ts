// What devices are called on the page. Pure.
import type { Device } from '../src/public.js'

export const DEVICE_NAMES: Readonly<Record<Device, string>> = {
  webgpu: 'WebGPU',
  wasm: 'WASM',
  cuda: 'CUDA',
  cpu: 'CPU',
  custom: 'own embedder',
}
