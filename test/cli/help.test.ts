// Help, and what a mistake on the command line is told: all out of what the commands say of themselves.
import { describe, expect, it } from 'vitest'
import { type Command, optionsOf } from '../../src/cli/command.js'
import { COMMANDS } from '../../src/cli/commands.js'
import { EXIT_CODES } from '../../src/cli/exit-codes.js'
import { commandHelp, groupHelp, mainHelp } from '../../src/cli/help.js'
import { parse } from '../../src/cli/parse.js'
import { nearest } from '../../src/nearest.js'
import { OPTIONS } from '../../src/options.js'
import { runCli } from '../processes.js'
import { temporaryFolder } from '../support.js'

/** The words of an example, as a shell has them: the part that is ours. */
function wordsOf(example: string): string[] {
  const ours = /op-dbus (.*?)(?: [|>] |\)$|$)/.exec(example)![1]!
  return [...ours.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)
}

function faultOf(...argv: string[]): string {
  try {
    parse(argv, COMMANDS)
    return 'none'
  } catch (error) {
    return (error as Error).message
  }
}

describe('help', () => {
  it('of all commands fits a screen of 24 lines and 80 columns, and names each', () => {
    const text = mainHelp(COMMANDS, '10.20.30')
    const lines = text.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(24)
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(80)
    for (const { name, about } of COMMANDS) {
      const [first, second] = name.split(' ')
      // Of a group with many commands the line has the first.
      const line = second === undefined ? `${first} +${about}` : `${first} .*(\\b${second}\\b.*|, [.]{3})`
      expect(text).toMatch(new RegExp(`^  ${line}$`, 'm'))
    }
  })

  it.each(COMMANDS.map(command => [command.name, command] as const))('of %s: all that it takes', (name, command) => {
    const text = commandHelp(command)
    for (const [option, { hidden, value, default: without, variables = [] }] of optionsOf(command)) {
      if (hidden) expect(text).not.toMatch(new RegExp(`--${option}\\b`))
      else expect(text).toMatch(new RegExp(`^ +(-\\w, )?--${option}${value ? `(\\[=| )${value}` : ''}`, 'm'))
      for (const word of [...(without?.split(' ') ?? []), ...variables]) expect(text).toContain(word)
    }
    for (const code of command.exitCodes) expect(text).toContain(`${code}  ${EXIT_CODES[code]}`)
    expect(command.examples.length).toBeGreaterThan(0)
    for (const example of command.examples) {
      expect(text).toContain(example)
      expect(parse(wordsOf(example), COMMANDS)).toMatchObject({ help: false, command: { name } })
    }
    const lines = text.split('\n').filter(line => !/^ {2}\S/.test(line))
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(80)
  })

  it('of one command or group, asked for in any way, and of nothing else', async () => {
    const dir = temporaryFolder()
    const find = (name: string) => commandHelp(COMMANDS.find(command => command.name === name)!)
    const cases: readonly [args: string[], text: string, code: number][] = [
      [['embed', '--help'], find('embed'), 0],
      [['help', 'cache', 'clear'], find('cache clear'), 0],
      [['models', 'rm', 'x', '-h'], find('models rm'), 0],
      [['cache', '--help'], groupHelp('cache', COMMANDS), 0],
      [['help', 'models'], groupHelp('models', COMMANDS), 0],
      [['models'], groupHelp('models', COMMANDS), 2],
    ]
    const run = async (args: string[]) => runCli(dir, args)
    const told = await Promise.all(cases.map(([args]) => run(args)))
    for (const [i, [args, stdout, code]] of cases.entries()) {
      expect(told[i], args.join(' ')).toMatchObject({ code, stdout, stderr: '' })
    }
    const [asked, help, nothing] = await Promise.all([run(['--help']), run(['help']), run([])])
    expect([asked.code, help.code, nothing.code]).toEqual([0, 0, 2])
    expect(new Set([asked.stdout, help.stdout, nothing.stdout]).size).toBe(1)
  })
})

describe('commands', () => {
  it('mean the same by the same option, so that it is understood before the command', () => {
    const kinds = new Map<string, string>()
    for (const command of COMMANDS) {
      for (const [name, { short, value, alone }] of optionsOf(command)) {
        const kind = JSON.stringify([short, value !== undefined, alone])
        expect(kinds.get(name) ?? kind, `--${name} of ${command.name}`).toBe(kind)
        kinds.set(name, kind)
      }
    }
    const letters = [...kinds.values()].map(kind => JSON.parse(kind)[0]).filter(letter => letter !== null)
    expect(new Set(letters).size).toBe(letters.length)
    const { command, values, args } = parse(['--model', 'low', '-q', 'embed', 'a'], COMMANDS)
    expect([command?.name, values, args]).toEqual(['embed', { model: 'low', quiet: true }, ['a']])
  })

  it('of the chain have a short name', () => {
    const named = (...argv: string[]) => parse(argv, COMMANDS)
    expect(named('bc', 'show', 'bc')).toMatchObject({ command: { name: 'blockchain show' }, args: ['bc'] })
    expect(named('help', 'bc')).toMatchObject({ group: 'blockchain', help: true })
    expect(named('embed', 'bc').args).toEqual(['bc'])
    expect(() => named('constructor')).toThrow('unknown command "constructor"')
  })

  it('take every flag of the table of options somewhere', () => {
    const taken = new Set(COMMANDS.flatMap((command: Command) => optionsOf(command).map(([name]) => name)))
    const flags = Object.entries(OPTIONS).filter(([, option]) => 'flag' in option && option.flag)
    for (const [name] of flags) expect(taken).toContain(name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`))
  })

  it('take an option that may stand alone with and without its value', () => {
    const patterns = (...argv: string[]) => {
      const { values, args } = parse(['embed', ...argv], COMMANDS)
      return [values.patterns, args]
    }
    expect(patterns('--patterns', 'a text')).toEqual(['template', ['a text']])
    expect(patterns('--patterns', 'off', 'a')).toEqual(['off', ['a']])
    expect(patterns('--patterns=off', 'a')).toEqual(['off', ['a']])
    expect(patterns('a', '--patterns')).toEqual(['template', ['a']])
    expect(patterns('--', '--patterns')).toEqual([undefined, ['--patterns']])
  })
})

describe('a mistake', () => {
  it.each([
    [['emebd'], 'unknown command "emebd"; did you mean "embed"?'],
    [['stats'], 'unknown command "stats"; did you mean "cache stats"?'],
    [
      ['cache', 'clera'],
      'unknown command "cache clera"; did you mean "cache clear"?\nthere are: cache stats, cache clear',
    ],
    [['modles', 'list'], 'unknown command "modles list"; did you mean "models list"?'],
    [['cache', 'nosuch'], 'unknown command "cache nosuch"\nthere are: cache stats, '],
    [['embde', 'x'], 'unknown command "embde"; did you mean "embed"?'],
    [
      ['embed', 'a', '--dimensions', '-1'],
      '--dimensions needs a value, and "-1" begins as an option does\nif it is the value: --dimensions=-1',
    ],
    [['help', 'docter'], 'unknown command "docter"; did you mean "doctor"?'],
    [['frobnicate'], 'unknown command "frobnicate"\nthere are: embed, '],
    [['embed', '--modle', 'low'], 'unknown option --modle; did you mean --model?\nsee op-dbus embed --help'],
    [['cache', 'clear', '--embeding'], 'unknown option --embeding; did you mean --embeddings?'],
    [['embed', '-5 degrees'], 'unknown option -5; a text that begins with "-" goes after --\nsee op-dbus embed --help'],
    [['doctor', '--bogus'], 'unknown option --bogus\nsee op-dbus doctor --help'],
    [['--bogus'], 'unknown option --bogus\nsee op-dbus --help'],
    [['demo', '--file', 'x'], '"demo" has no option --file\nsee op-dbus demo --help'],
    [['cache', 'stats', 'x'], '"cache stats" takes no argument "x"'],
  ])('%j', (argv, message) => {
    expect(faultOf(...argv).startsWith(message), faultOf(...argv)).toBe(true)
  })

  it('is as near as its letters say', () => {
    const known = ['cache', 'models', 'demo', 'doctor']
    expect(nearest('chace', known)).toBe('cache')
    expect(nearest('demoo', known)).toBe('demo')
    expect(nearest('', known)).toBeUndefined()
    expect(nearest('completely', known)).toBeUndefined()
    expect(nearest('cache', known)).toBe('cache')
  })
})
