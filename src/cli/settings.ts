// From the flags of a command line to options of the library, and back to flags for another process of ours.
import { OpDbusError } from '../errors.js'
import { visible } from '../format.js'
import type { OpenOptions } from '../node.js'
import { downloadBar } from './download-bar.js'
import { type FlagValues, flagged, flagOf } from './flags.js'
import type { Terminal } from './terminal.js'

/**
 * Options of the library for a command line. Each warning is printed once.
 * @throws OpDbusError INVALID_INPUT for a value that its option does not allow
 */
export function settingsOf(values: FlagValues, terminal: Terminal): OpenOptions {
  const told = new Set<string>()
  const settings = flagged().flatMap(([name, { parse, allows, expects, faultOf, choices }]) => {
    const given = values[flagOf(name)]
    if (given === undefined) return []
    const value = typeof given === 'string' ? parse(given) : given
    if (allows(value)) return [[name, value]]
    const fault = faultOf?.(given)
    const why =
      fault === undefined
        ? ` ${JSON.stringify(given)} is not ${choices ? `one of ${choices.join(', ')}` : expects}`
        : `: ${fault}`
    throw new OpDbusError('INVALID_INPUT', `--${flagOf(name)}${why}`, { details: { option: name } })
  })
  return {
    ...Object.fromEntries(settings),
    onDownload: values.quiet ? undefined : downloadBar(terminal, true),
    onWarning(message) {
      if (!told.has(message)) terminal.say(`op-dbus: ${message.split('\n').map(visible).join('\n  ')}`)
      told.add(message)
    },
  }
}

/** The flags of `values` as arguments of a command. */
export function argumentsOf(values: FlagValues): string[] {
  return flagged().flatMap(([name]) => {
    const given = values[flagOf(name)]
    if (typeof given === 'string') return [`--${flagOf(name)}=${given}`]
    return given ? [`--${flagOf(name)}`] : []
  })
}
