// `op-dbus assets DIR`, at work: puts what a page needs into a public folder, and says what, how large, and how a page finds it.
import { OpDbusError } from '../../errors.js'
import { bytes, table } from '../../format.js'
import { copyAssets } from '../../node/assets.js'
import type { CommandCall } from '../command.js'

interface Values {
  readonly force?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

export async function assets({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  const [dir, ...more] = args
  if (dir === undefined || more.length > 0) {
    throw new OpDbusError('INVALID_INPUT', '"assets" takes one folder, for example public/op-dbus')
  }
  const copied = await copyAssets(dir, { force: values.force, signal: terminal.signal })
  if (values.json) {
    await terminal.out(`${JSON.stringify(copied, undefined, 2)}\n`)
    return 0
  }
  const total = copied.reduce((sum, file) => sum + file.bytes, 0)
  const rows = copied.map(file => [`  ${file.path}`, bytes(file.bytes), file.written ? '' : 'was there'])
  await terminal.out(table([...rows, ['  in all', bytes(total), '']], [1]))
  if (!values.quiet) {
    terminal.say(`in ${dir}; if that is served as /op-dbus/: openCaches({ assetsUrl: '/op-dbus/' })`)
  }
  return 0
}
