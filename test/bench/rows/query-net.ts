// What a query of the network costs that no cache answers: a real ovsdb-server with five bridges, and the links of this machine.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, watch } from 'node:fs'
import { join } from 'node:path'
import { median, secondsOf } from '../measure.js'
import { type Bench, type Measured, type RowGroup, Skipped, WrongAnswer } from '../row.js'

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'
const BRIDGES = 5
const QUERIES = 60

export const queryNet: RowGroup = {
  id: 'query-net',
  async run({ library, folder, progress }: Bench): Promise<Measured[]> {
    if (!existsSync(SCHEMA)) throw new Skipped('needs Open vSwitch: apt install openvswitch-switch')
    progress(`${QUERIES} queries`)
    const socket = join(folder, 'db.sock')
    execFileSync('ovsdb-tool', ['create', join(folder, 'conf.db'), SCHEMA])
    const quiet = [
      '--no-chdir',
      '-vconsole:off',
      `--unixctl=${join(folder, 'ctl')}`,
      `--log-file=${join(folder, 'log')}`,
    ]
    const watcher = watch(folder)
    const server = spawn('ovsdb-server', [join(folder, 'conf.db'), `--remote=punix:${socket}`, ...quiet], {
      stdio: 'ignore',
    })
    try {
      while (!existsSync(socket)) await Promise.race([once(watcher, 'change'), once(server, 'exit')])
      const bridges = Array.from({ length: BRIDGES }, (_, i) => ['--', 'add-br', `br${i}`]).flat()
      execFileSync('ovs-vsctl', [`--db=unix:${socket}`, '--no-wait', '--retry', '--timeout=20', 'init', ...bridges])

      const { openState } = await library.importState()
      const state = await openState({ ovsdb: socket, dir: join(folder, 'cache'), dataDir: join(folder, 'data') })
      try {
        const seconds: number[] = []
        for (let i = 0; i < QUERIES; i++) {
          seconds.push(
            await secondsOf(async () => {
              const { sources, plugins } = await state.query(['net'], { fresh: true })
              if (sources.net !== 'computed') throw new WrongAnswer(`not asked: ${sources.net}`)
              if (!JSON.stringify(plugins.net).includes('"br4"')) throw new WrongAnswer('a bridge is missing')
            }),
          )
        }
        const what = 'query of the network, asked each time, p50'
        const hold = { side: 'at most', plus: 0.015 } as const
        return [{ id: 'query-net', what, unit: 's', ours: median(seconds), hold }]
      } finally {
        await state.close()
      }
    } finally {
      watcher.close()
      server.kill('SIGKILL')
    }
  },
}
