// `npm run gpu`: what a GPU does with op-dbus. Parity with the reference vectors, `doctor`, texts a second through embedMany with
// the share of each thread, and the bare session beside it. Prints tables, writes JSON. Asserts nothing but parity.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { UsageError } from '../bench/args.js'
import { isLibrary, openLibrary } from '../bench/library.js'
import { machine, machineText } from '../bench/machine.js'
import { bareSession } from './bare.js'
import { type Models, modelsOf, type Setup } from './models.js'
import { parity } from './parity.js'
import { stations } from './stations.js'
import { throughput } from './throughput.js'

const HELP = `npm run gpu -- [options]

  --model DIR        MiniLM as a hub serves it: onnx/model.onnx and, where it is there, onnx/model_fp16.onnx
  --reference FILE   its reference vectors, in the form of build/references (default: those of all-MiniLM-L6-v2)
  --library DIR      another build of op-dbus, by its folder
  --devices LIST     default: cuda,webgpu,cpu
  --only LIST        of doctor, parity, throughput, stations, bare; default: all
  --workers N        as the option of openCaches
  --seconds N        most seconds for one figure of the throughput; default: 4
  --json FILE        writes what was measured
`

/** No part begins later, and none takes as long as what is left to ten minutes. */
const MOST_MS = 6 * 60_000
const PARTS = ['doctor', 'parity', 'throughput', 'stations', 'bare']
const DEVICES = ['cuda', 'webgpu', 'cpu']

try {
  const args = argumentsOf(process.argv.slice(2))
  process.exitCode = args === undefined ? print(HELP) : await main(args)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`gpu: ${error.message}\nnpm run gpu -- --help lists the options.\n`)
  process.exitCode = 2
}

/** Undefined where help is asked for. */
function argumentsOf(argv: readonly string[]) {
  const { values } = parsed(argv)
  const devices = listOf('--devices', values.devices, DEVICES)
  const only = listOf('--only', values.only, PARTS)
  const limitMs = 1000 * numberOf('--seconds', values.seconds)
  const workers = values.workers === undefined ? undefined : numberOf('--workers', values.workers)
  for (const file of [values.model, values.reference])
    if (file !== undefined && !existsSync(file)) throw new UsageError(`there is no ${file}`)
  if (values.library !== undefined && !isLibrary(values.library))
    throw new UsageError(`${values.library} holds no built op-dbus`)
  return values.help ? undefined : { ...values, devices, only, limitMs, workers }
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        model: { type: 'string' },
        reference: { type: 'string' },
        library: { type: 'string' },
        devices: { type: 'string', default: DEVICES.join(',') },
        only: { type: 'string', default: PARTS.join(',') },
        workers: { type: 'string' },
        seconds: { type: 'string', default: '3' },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function listOf(name: string, value: string, allowed: readonly string[]): readonly string[] {
  const words = value.split(',')
  const strange = words.find(word => !allowed.includes(word))
  if (strange !== undefined) throw new UsageError(`${name}: ${strange} is none of ${allowed.join(', ')}`)
  return words
}

function numberOf(name: string, value: string): number {
  if (Number(value) > 0) return Number(value)
  throw new UsageError(`${name}: ${value} is no number above 0`)
}

async function main(args: NonNullable<ReturnType<typeof argumentsOf>>): Promise<number> {
  const { devices, only, limitMs, workers, json } = args
  // Before any ONNX Runtime loads: otherwise it keeps a device id and calls home.
  process.env.ORT_DISABLE_TELEMETRY ??= '1'
  const library = await openLibrary(args.library)
  const folder = mkdtempSync(join(tmpdir(), 'op-dbus-gpu-'))
  const end = performance.now() + MOST_MS
  const found: Record<string, unknown> = { machine: machine(), gpu: gpuText() }
  const save = () => json && writeFileSync(json, `${JSON.stringify(found, null, 2)}\n`)
  let code = 0
  /** One part that fails keeps no other from running. */
  const part = async (name: string, work: () => Promise<unknown> | unknown) => {
    if (!only.includes(name)) return
    print(`\n== ${name}\n`)
    if (performance.now() > end) {
      found[name] = { refused: 'no time left' }
      print('left out: no time is left\n')
      return
    }
    try {
      found[name] = await work()
    } catch (error) {
      code = 1
      found[name] = { error: String(error) }
      print(`failed: ${(error as Error).stack}\n`)
    }
    save()
  }
  try {
    print(`op-dbus on a GPU\n${machineText(machine())}\n${gpuText()}\n`)
    const models: Models = modelsOf(library, args)
    await part('doctor', () => models.folders.map(model => doctor(library.folder, model, folder)))
    await part('parity', async () => {
      const rows = await parity(library, models.references, devices, folder, print)
      if (rows.some(row => !row.held)) code = 1
      return rows
    })
    await part('throughput', () => throughput(library, setups(models, devices), { limitMs, workers }, folder, print))
    await part('stations', () => stations(library, setups(models, devices), limitMs, print))
    await part('bare', () => bareSession(setups(models, devices), print))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return code
}

function setups(models: Models, devices: readonly string[]): Setup[] {
  return devices.flatMap(device => models.setups.map(setup => ({ ...setup, device })))
}

function doctor(root: string, model: string, folder: string): string {
  const args = [join(root, 'dist/cli.js'), 'doctor', '--device', 'all', '--model', model]
  const env = { ...process.env, OPDBUS_CACHE_DIR: join(folder, 'doctor') }
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env, timeout: 120_000 })
  print(`${model}\n${stdout}${stderr}`)
  return stdout
}

function gpuText(): string {
  const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader']
  const { stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8' })
  return stdout?.trim() || (existsSync('/dev/dri') ? 'a GPU without nvidia-smi' : 'no GPU')
}

function print(text: string): 0 {
  process.stdout.write(text)
  return 0
}
