// How long importing the built library takes, in fresh processes.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Library } from '../library.js'
import { takeTurns } from '../measure.js'
import { type Bench, type Measured, type RowGroup, WrongAnswer } from '../row.js'

export const importTime: RowGroup = {
  id: 'import-time',
  async run({ library, rounds, progress }: Bench): Promise<Measured[]> {
    const { runtimes } = await importInChild(library, 'op-dbus')
    if (runtimes.length > 0) throw new WrongAnswer(`importing op-dbus loads ${runtimes.join(', ')}`)
    const [ours, peer] = await takeTurns(
      [
        { name: 'op-dbus', round: async () => (await importInChild(library, 'op-dbus')).ms },
        { name: 'lru-cache', round: async () => (await importInChild(library, 'lru-cache')).ms },
      ],
      rounds,
      round => progress(`round ${round} of ${rounds}`),
    )
    const what = 'import of the library, no model'
    const hold = { side: 'at most', times: 1.5, plus: 30 } as const
    return [{ id: 'import-time', what, unit: 'ms', ours, peer: { name: 'lru-cache', value: peer }, hold }]
  },
}

/** Milliseconds of one import, and native libraries of ONNX Runtime that it brought along. */
async function importInChild({ folder }: Library, name: string): Promise<{ ms: number; runtimes: string[] }> {
  const script = `
    const start = performance.now()
    await import(${JSON.stringify(name)})
    const ms = performance.now() - start
    const runtimes = process.report.getReport().sharedObjects.filter(path => /onnxruntime/.test(path))
    console.log(JSON.stringify({ ms, runtimes }))`
  const args = ['--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder })
  return JSON.parse(stdout) as { ms: number; runtimes: string[] }
}
