// What a command of the command line takes of the CPU, start of Node included, against a Node that does nothing.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { takeTurns } from '../measure.js'
import { type Bench, type Measured, type RowGroup, Skipped, WrongAnswer } from '../row.js'

const run = promisify(execFile)
/** Processes for one figure. */
const RUNS = 20
const TEXT = 'Created container 100'

export const cliDisk: RowGroup = {
  id: 'cli-disk',
  async run({ library, folder, rounds, progress }: Bench): Promise<Measured[]> {
    if (process.platform === 'win32') throw new Skipped('Windows has no sh, whose `times` counts the CPU of processes')
    const cli = join(library.folder, 'dist', 'cli.js')
    const embed = [cli, 'embed', TEXT, '--dir', folder]
    progress('the text is put to disk')
    await run(process.execPath, embed)
    const { source } = JSON.parse((await run(process.execPath, [...embed, '--json'])).stdout) as { source: string }
    if (source !== 'disk') throw new WrongAnswer(`the vector comes from ${source}`)

    const [ours, version, peer] = await takeTurns(
      [
        { name: 'embed', round: () => cpuOf(embed) },
        { name: 'version', round: () => cpuOf([cli, '--version']) },
        { name: 'node', round: () => cpuOf(['-e', '0']) },
      ],
      rounds,
      round => progress(`round ${round} of ${rounds}`),
    )
    const row = { unit: 'ms', peer: { name: 'node -e 0', value: peer } } as const
    const hold = { side: 'at most', times: 1.6 } as const
    return [
      { ...row, id: 'cli-disk', what: 'CPU of op-dbus embed TEXT, answered from disk', ours, hold },
      { ...row, id: 'cli-version', what: 'CPU of op-dbus --version', ours: version },
    ]
  },
}

/** Milliseconds of the CPU, user and system, of one `node ...args`. */
async function cpuOf(args: readonly string[]): Promise<number> {
  const loop = `i=0; while [ $i -lt ${RUNS} ]; do "$@" > /dev/null || exit 1; i=$((i + 1)); done; times`
  const { stdout } = await run('sh', ['-c', loop, 'sh', process.execPath, ...args], {
    env: { ...process.env, LC_ALL: 'C' },
  })
  // The second line is of the children: 0m1.230000s 0m0.120000s.
  const times = [...stdout.split('\n')[1]!.matchAll(/(\d+)m([\d.]+)s/g)]
  if (times.length !== 2) throw new Skipped(`this sh says "${stdout}" for times`)
  const seconds = times.reduce((sum, [, minutes, rest]) => sum + 60 * Number(minutes) + Number(rest), 0)
  return (1000 * seconds) / RUNS
}
