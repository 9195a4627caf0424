// The setting of patterns: every way to write it, and what is refused.

import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.js'
import { ON_NODE } from '../../src/node/options.js'
import { type PatternSetting, patternConfig } from '../../src/patterns/setting.js'

function read(patterns: unknown, variable?: string) {
  const warnings: string[] = []
  const env = { OPDBUS_EMBEDDING_PATTERNS: variable }
  const settings = patterns === undefined ? {} : { patterns: patterns as PatternSetting }
  const config = readConfig(settings, env, message => warnings.push(message), ON_NODE)
  return { ...patternConfig(config.patterns), warnings }
}

describe('the setting of patterns', () => {
  it('is off by default; true means template, in the environment too', () => {
    expect(read(undefined)).toEqual({ mode: 'off', warnings: [] })
    expect(read(true).mode).toBe('template')
    expect(read(false).mode).toBe('off')
    expect(read({}).mode).toBe('template')
    const words = { true: 'template', TEMPLATE: 'template', '1': 'template', off: 'off', false: 'off' }
    for (const [word, mode] of Object.entries(words)) expect(read(undefined, word)).toEqual({ mode, warnings: [] })
  })

  it('as an option wins over its variable, and takes more than a mode', () => {
    expect(read('template', 'off').mode).toBe('template')
    const options = { mode: 'template', masks: [{ name: 'tenant', pattern: /t-\d+/ }], literals: ['vlan'] }
    expect(read(options)).toEqual({ ...options, warnings: [] })
  })

  it('warns of a variable that means nothing, and throws for an option that does not', () => {
    expect(read(undefined, 'sometimes')).toEqual({
      mode: 'off',
      warnings: [expect.stringContaining('OPDBUS_EMBEDDING_PATTERNS="sometimes" is not one of off, template')],
    })
    for (const [option, fault] of [
      ['sometimes', 'patterns: "sometimes" is not one of off, template, or { mode, masks, literals }'],
      [1, 'patterns: 1 is not one of'],
      [null, 'patterns: null is not one of'],
      [{ mode: 'x' }, 'patterns: mode is "x", not one of off, template'],
      [{ literal: ['a'] }, 'patterns: there is no "literal"; there are: mode, masks, literals'],
      [{ masks: {} }, 'patterns: masks is [object Object], not an array'],
      [{ literals: 'a' }, 'patterns: literals is "a", not an array of words'],
    ] as const) {
      expect(() => read(option)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
      expect(() => read(option)).toThrow(fault)
    }
  })

  it('that was for the mode "verified" says what to use instead', () => {
    for (const option of [
      'verified',
      { mode: 'verified', epsilon: 0.4 },
      { epsilon: 0.1 },
      { members: 8 },
      { checkShare: 0 },
    ]) {
      expect(() => read(option), JSON.stringify(option)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
      expect(() => read(option)).toThrow(/^patterns: .*"verified".* is gone; use "template" \(.*\) or "off" \(/)
    }
    const { mode, warnings } = read(undefined, 'Verified')
    expect([mode, warnings]).toEqual([
      'off',
      [expect.stringMatching(/^OPDBUS_EMBEDDING_PATTERNS: "verified" is gone; use "template" .*; using "off"$/)],
    ])
  })
})
