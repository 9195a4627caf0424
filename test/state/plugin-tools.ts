// The tools of a plugin in tests: real programs, found in the environment of the test.
import type { PluginTools } from '../../src/state/plugin.js'
import { runIn } from '../../src/state/plugins/run.js'
import { TestClock } from '../support.js'

export function toolsIn(env: PluginTools['env'], warnings: string[] = []): PluginTools {
  return { clock: new TestClock(), env, warn: message => warnings.push(message), run: runIn(env) }
}
