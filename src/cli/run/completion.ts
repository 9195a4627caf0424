// `op-dbus completion SHELL`, at work: prints the script.
import { OpDbusError } from '../../errors.js'
import type { Command, CommandCall } from '../command.js'
import { bashScript } from '../completion/bash.js'
import { fishScript } from '../completion/fish.js'
import { zshScript } from '../completion/zsh.js'

const SCRIPTS: Readonly<Record<string, (commands: readonly Command[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

export async function completion({ args, terminal, commands }: CommandCall<unknown>): Promise<number> {
  const [shell, ...more] = args
  if (shell === undefined || more.length > 0 || !Object.hasOwn(SCRIPTS, shell)) {
    const known = Object.keys(SCRIPTS).join(', ')
    throw new OpDbusError('INVALID_INPUT', `"completion" takes one shell: ${known}\nsee op-dbus completion --help`)
  }
  await terminal.out(SCRIPTS[shell]!(commands))
  return 0
}
