// Finds the examples in a page of Markdown: code blocks, what a comment before them adds, what output they show. Runs nothing.
//
// A ```js or ```ts block that imports or exports something begins a program; one that does neither goes on with the program
// before it. A ```sh block is a script. A ```console block holds `$ command` lines, each with the output that it shows. Readers
// do not see these two comments:
//   <!-- setup … -->         code that runs before the block that follows, and before each command of a console
//   <!-- not run: why -->    the block that follows is not run (a program is type-checked all the same)

interface Shared {
  /** For people: the page, and the line in it. */
  readonly at: string
  readonly notRun: string | undefined
}

export interface Program extends Shared {
  readonly kind: 'program'
  readonly code: string
  /** What it prints, by its `console.log(…) // output` lines. */
  readonly prints: readonly string[]
}

export interface Command extends Shared {
  readonly kind: 'command'
  readonly command: string
  /** Undefined: the page does not show it. */
  readonly prints: readonly string[] | undefined
}

const BLOCK = /(?:<!-- (setup\n|not run: )([\s\S]*?)-->\n)?^```(\w*)\n([\s\S]*?)^```$/gm

/** In the order of the page. */
export function examplesIn(text: string, page: string): (Program | Command)[] {
  const examples: (Program | Command)[] = []
  for (const match of text.matchAll(BLOCK)) {
    const [whole, kind = '', comment = '', language, body = ''] = match
    const at = `${page}:${text.slice(0, match.index + whole.indexOf('```')).split('\n').length}`
    const setup = kind.startsWith('setup') ? comment : ''
    const notRun = kind.startsWith('not') ? comment.trim() : undefined
    if (language === 'sh') {
      examples.push({ kind: 'command', at, notRun, command: setup + body, prints: undefined })
    } else if (language === 'console') {
      for (const [command, prints] of commandsIn(body)) {
        examples.push({ kind: 'command', at, notRun, command: setup + command, prints })
      }
    } else if (language === 'js' || language === 'ts') {
      const prints = [...body.matchAll(/console\.log\(.*\) +\/\/ (.*)$/gm)].map(([, output]) => output!)
      const code = setup + body
      if (/^(import|export) /m.test(body)) examples.push({ kind: 'program', at, notRun, code, prints })
      else goOn(examples, { at, code, prints })
    }
  }
  return examples
}

function goOn(examples: (Program | Command)[], more: Pick<Program, 'at' | 'code' | 'prints'>): void {
  const index = examples.findLastIndex(example => example.kind === 'program')
  const before = examples[index]
  if (before?.kind !== 'program') throw new Error(`${more.at}: there is no program before this one to go on with`)
  examples[index] = { ...before, code: before.code + more.code, prints: [...before.prints, ...more.prints] }
}

function commandsIn(body: string): [command: string, prints: string[]][] {
  const commands: [string, string[]][] = []
  for (const line of body.trimEnd().split('\n')) {
    if (line.startsWith('$ ')) commands.push([line.slice(2), []])
    else commands.at(-1)?.[1].push(line)
  }
  return commands
}

/** Whether `printed` is what an example shows: blanks are as good as more blanks, `...` and `…` stand for anything. */
export function fits(shown: readonly string[], printed: string): boolean {
  const quoted = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\s+/g, '\\s+')
  const parts = shown.join('\n').split(/\.\.\.|…/)
  return new RegExp(`^\\s*${parts.map(quoted).join('[\\s\\S]*?')}\\s*$`).test(printed)
}
