// What `op-dbus completion` says of itself.
import { command } from '../command.js'

/** Shells that a script is made for. */
const SHELLS = ['bash', 'zsh', 'fish'] as const

export const completion = command({
  name: 'completion',
  about: 'a completion script for bash, zsh or fish',
  more:
    'To install it, for bash: the first example. For zsh: the second, with ~/.zfunc in fpath before compinit (in ~/.zshrc: ' +
    'fpath+=(~/.zfunc); autoload -U compinit; compinit). For fish: the third. Make it anew after an update.',
  arguments: { usage: SHELLS.join('|'), help: 'The shell.', completes: SHELLS },
  options: {},
  examples: [
    'op-dbus completion bash > ~/.local/share/bash-completion/completions/op-dbus',
    'op-dbus completion zsh > ~/.zfunc/_op-dbus',
    'op-dbus completion fish > ~/.config/fish/completions/op-dbus.fish',
    'source <(op-dbus completion bash)',
  ],
  exitCodes: [],
  run: async call => (await import('../run/completion.js')).completion(call),
})
