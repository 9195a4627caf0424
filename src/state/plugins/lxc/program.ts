// What the programs of LXC and Proxmox say, and what their complaints mean. Knows neither of the two.
import type { OpDbusError } from '../../../errors.js'
import type { PluginTools } from '../../plugin.js'
import { pluginFailed } from '../errors.js'

/** Its output, where it ended well. @throws OpDbusError PLUGIN_FAILED with what it complained of */
export async function outputOf(
  tools: PluginTools,
  command: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const { code, stdout, stderr } = await tools.run(command, args, { signal })
  if (code === 0) {
    const complaint = complaintIn(stderr)
    if (complaint !== '') tools.warn(`${command}: ${complaint}`)
    return stdout
  }
  throw failed(`${[command, ...args.slice(0, 2)].join(' ')}: ${complaintIn(stderr) || `exit code ${code}`}`)
}

export function failed(message: string, cause?: unknown): OpDbusError {
  return pluginFailed(message, { plugin: 'lxc' }, cause)
}

/** `lxc-start: 100: ../src/lxc/tools/lxc_start.c: main: 306 The container failed to start` -> what comes last of it. */
const WHERE_IN_LXC = /^lxc-[a-z]+: .*?\.c: \w+: \d+ /
const ADVICE = /^(To get more details, run|Additional information can be obtained)/

function complaintIn(stderr: string): string {
  const lines = stderr.split('\n').map(line => line.trim().replace(WHERE_IN_LXC, ''))
  return [...new Set(lines)].filter(line => line !== '' && !ADVICE.test(line)).join('; ')
}
