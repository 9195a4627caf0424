// Answers command lines in this process, on a terminal that writes down what it is told: a start of Node less for each. What is true of
// the command line from outside (signals, pipes, the built files) is for test/processes.ts.
import { answer } from '../../src/cli/answer.js'
import { complain } from '../../src/cli/complain.js'
import { exitCodeOf } from '../../src/cli/exit-codes.js'
import type { Terminal } from '../../src/cli/terminal.js'

export interface Told {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export async function answered(args: readonly string[]): Promise<Told> {
  let [stdout, stderr] = ['', '']
  const out = async (data: string | Uint8Array) => {
    stdout += typeof data === 'string' ? data : new TextDecoder().decode(data)
  }
  const terminal: Terminal = {
    out,
    last: out,
    say: text => {
      stderr += `${text}\n`
    },
    status() {},
    closed: false,
    failure: undefined,
    readerGone() {},
    endedWell() {},
    columns: 100,
    outTty: false,
    color: false,
    endedBy: undefined,
    signal: new AbortController().signal,
  }
  let code: number
  try {
    code = await answer(args, terminal)
  } catch (error) {
    complain(error, false, terminal)
    code = exitCodeOf(error)
  }
  return { code, stdout, stderr }
}
