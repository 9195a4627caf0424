// What of this machine decides which devices work: drivers, adapters, runtime. Reads a few small files; part of the Node root.
import { accessSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { arch, platform, release } from 'node:os'
import { dirname, join } from 'node:path'
import { dependencyFolder } from './own-files.js'

/** The installed version of a package; undefined where it is not. Read from its own file: packages need not export it. */
export function installedVersion(name: string): string | undefined {
  const folder = dependencyFolder(name)
  return folder && (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version
}

/**
 * A text that changes when a driver, an adapter or the runtime does: what a device once proved holds while it is the
 * same. Linux says most; elsewhere the system's version stands for its drivers.
 */
export function machinePrint(): string {
  const { env } = process
  const variables = [
    'VK_ICD_FILENAMES',
    'VK_DRIVER_FILES',
    'VK_ADD_DRIVER_FILES',
    'CUDA_VISIBLE_DEVICES',
    'LD_LIBRARY_PATH',
  ]
  return JSON.stringify({
    runtime: installedVersion('onnxruntime-node'),
    system: [platform(), arch(), release()],
    nodes: gpuNodes(),
    adapters: list('/sys/class/drm').map(card => textOf(`/sys/class/drm/${card}/device/uevent`)),
    nvidia: textOf('/proc/driver/nvidia/version'),
    vulkan: ['/etc/vulkan/icd.d', '/usr/share/vulkan/icd.d'].flatMap(folder =>
      list(folder).map(name => `${name} ${changedAt(join(folder, name))}`),
    ),
    cuda: cudaLibrary() && changedAt(cudaLibrary()!),
    env: variables.map(name => env[name] ?? ''),
  })
}

/** Whether `auto` has reason to try a GPU: on Linux a device node or a Vulkan driver that somebody named. */
export function hasGpu(): boolean {
  const { VK_ICD_FILENAMES, VK_DRIVER_FILES } = process.env
  return platform() !== 'linux' || gpuNodes().length > 0 || Boolean(VK_ICD_FILENAMES || VK_DRIVER_FILES)
}

/** The CUDA provider beside ONNX Runtime, which npm does not bring; undefined where it is not installed. */
export function cudaLibrary(): string | undefined {
  const folder = dependencyFolder('onnxruntime-node')
  const name = platform() === 'win32' ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so'
  const path = folder && join(folder, 'bin', 'napi-v6', platform(), arch(), name)
  return path && isThere(path) ? path : undefined
}

/** Never throws, as `existsSync` does under Node's permission model for what may not be read. */
export function isThere(path: string): boolean {
  try {
    accessSync(path)
    return true
  } catch {
    return false
  }
}

function gpuNodes(): string[] {
  return [
    ...list('/dev/dri').filter(name => name.startsWith('renderD')),
    ...list('/dev').filter(name => /^(nvidia\d+|dxg|kfd)$/.test(name)),
  ]
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function changedAt(path: string): string {
  const { size, mtimeMs } = statSync(path)
  return `${dirname(path)} ${size} ${mtimeMs}`
}
