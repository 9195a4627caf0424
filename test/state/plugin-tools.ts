// The tools of a plugin in tests: real programs, found in the environment of the test.
import type { PluginTools } from '../../src/state/plugin.js'
import { runIn } from '../../src/state/plugins/run.js'
import { TestClock } from '../support.js'

/** `clock`: a test's own, unless something real is waited for. */
export function toolsIn(
  env: PluginTools['env'],
  warnings: string[] = [],
  clock: PluginTools['clock'] = new TestClock(),
): PluginTools {
  return { clock, env, warn: message => warnings.push(message), run: runIn(env) }
}
