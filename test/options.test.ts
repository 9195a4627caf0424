// The table of options: every entry is whole, and what the build makes of it is what lies in the repository.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { filesOf, wordsOf } from '../build/options.mjs'
import { OPTIONS, type Option } from '../src/options.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const source = read('src/options.ts')
const options = Object.entries(OPTIONS) as [string, Option<unknown>][]

describe('the table of options', () => {
  it.each(options)('%s: its default is allowed, and what variables and flags say is, too', (_name, option) => {
    if (option.default !== undefined) {
      expect(option.allows(option.default)).toBe(true)
      expect(option.allows(option.parse(String(option.default)))).toBe(true)
    }
    for (const choice of option.choices ?? []) {
      expect(option.allows(option.parse(choice.toUpperCase()))).toBe(true)
      expect(option.expects).toContain(choice)
    }
    for (const word of Object.values(option.otherVariable?.words ?? {})) expect(option.allows(word)).toBe(true)
    if (option.flag?.alone !== undefined) expect(option.allows(option.parse(option.flag.alone.means))).toBe(true)
    expect(option.flag?.value === undefined).toBe(option.type === 'boolean' || option.flag === undefined)
  })

  it('names no variable and no letter twice', () => {
    const variables = options.flatMap(([, { variable, otherVariable }]) => [variable, otherVariable?.name])
    const letters = options.map(([, { flag }]) => flag?.short)
    for (const names of [variables, letters]) {
      const given = names.filter(name => name !== undefined)
      expect(new Set(given).size).toBe(given.length)
    }
  })

  it('is what types, help and docs were made of: `node build.mjs` makes them anew', () => {
    for (const [path, text] of Object.entries(filesOf(OPTIONS, source, read('docs/settings.md')))) {
      expect(text, `${path} is stale: run node build.mjs`).toBe(read(path))
    }
  })

  it('takes no entry without a comment, nor one that leaves open what holds without it', () => {
    const table = { one: { ...OPTIONS.threads }, two: { ...OPTIONS.maxQueue } }
    const text = (one: string, two: string) => `export const OPTIONS = {\n  ${one}\n  one: x,\n  ${two}\n  two: y,\n}`
    expect(wordsOf(table, text('/** How\n   * many. Default: a few. */', '/** `All`. */'))).toEqual({
      one: { help: 'How many.', default: 'a few' },
      two: { help: '`All`.', default: '16,384' },
    })
    expect(() => wordsOf(table, text('/** How many. */', '/** All. */'))).toThrow('"one" does not end with')
    expect(() => wordsOf(table, text('/** How many. Default: 1. */', ''))).toThrow('"two" has no comment')
  })
})
