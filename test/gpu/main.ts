// `npm run gpu`: what a GPU does with op-dbus. Parity with the reference vectors, `doctor`, texts a second through embedMany with
// the share of each thread, and the bare session beside it. Prints tables, writes JSON. Asserts nothing but parity.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openLibrary } from '../bench/library.js'
import { machine, machineText } from '../bench/machine.js'
import { bareSession } from './bare.js'
import { type Models, modelsOf, type Setup } from './models.js'
import { parity } from './parity.js'
import { stations } from './stations.js'
import { throughput } from './throughput.js'

const HELP = `npm run gpu -- [options]

  --model DIR        MiniLM as a hub serves it: onnx/model.onnx and, where it is there, onnx/model_fp16.onnx
  --reference FILE   its reference vectors, as test/fixtures/use-lite-reference.json has those of the built-in model
  --library DIR      another build of op-dbus, by its folder
  --devices LIST     default: cuda,webgpu,cpu
  --only LIST        of doctor, parity, throughput, stations, bare; default: all
  --workers N        as the option of openCaches
  --seconds N        most seconds for one figure of the throughput; default: 4
  --json FILE        writes what was measured
`

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    reference: { type: 'string' },
    library: { type: 'string' },
    devices: { type: 'string', default: 'cuda,webgpu,cpu' },
    only: { type: 'string', default: 'doctor,parity,throughput,stations,bare' },
    workers: { type: 'string' },
    seconds: { type: 'string', default: '4' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

process.exitCode = values.help ? print(HELP) : await main()

async function main(): Promise<number> {
  // Before any ONNX Runtime loads: otherwise it keeps a device id and calls home.
  process.env.ORT_DISABLE_TELEMETRY ??= '1'
  const library = await openLibrary(values.library)
  const folder = mkdtempSync(join(tmpdir(), 'op-dbus-gpu-'))
  const wanted = new Set(values.only.split(','))
  const devices = values.devices.split(',')
  const limitMs = Number(values.seconds) * 1000
  const found: Record<string, unknown> = { machine: machine(), gpu: gpuText() }
  const save = () => values.json && writeFileSync(values.json, `${JSON.stringify(found, null, 2)}\n`)
  let code = 0
  /** One part that fails keeps no other from running. */
  const part = async (name: string, work: () => Promise<unknown> | unknown) => {
    if (!wanted.has(name)) return
    print(`\n== ${name}\n`)
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
    const models: Models = modelsOf(library, values)
    await part('doctor', () => models.folders.map(model => doctor(library.folder, model, folder)))
    await part('parity', async () => {
      const rows = await parity(library, models.references, devices, folder, print)
      if (rows.some(row => !row.held)) code = 1
      return rows
    })
    const workers = values.workers === undefined ? undefined : Number(values.workers)
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
