// The setting of patterns: every way to write it, and what is refused.
import { describe, expect, it } from 'vitest'
import { readConfig } from '../src/config.js'
import { type PatternSetting, patternConfig } from '../src/config-patterns.js'

function read(patterns: unknown, variable?: string) {
  const warnings: string[] = []
  const env = { OPDBUS_EMBEDDING_PATTERNS: variable }
  const settings = patterns === undefined ? {} : { patterns: patterns as PatternSetting }
  const config = readConfig(settings, env, message => warnings.push(message))
  return { ...patternConfig(config.patterns), warnings }
}

describe('the setting of patterns', () => {
  it('is off by default; true means template, in the environment too', () => {
    expect(read(undefined)).toEqual({ mode: 'off', epsilon: 0.14, members: 8, checkShare: 1 / 16, warnings: [] })
    expect(read(true).mode).toBe('template')
    expect(read(false).mode).toBe('off')
    expect(read({}).mode).toBe('template')
    const words = {
      true: 'template',
      TEMPLATE: 'template',
      '1': 'template',
      verified: 'verified',
      off: 'off',
      false: 'off',
    }
    for (const [word, mode] of Object.entries(words))
      expect(read(undefined, word)).toMatchObject({ mode, warnings: [] })
  })

  it('as an option wins over its variable, and takes more than a mode', () => {
    expect(read('verified', 'template').mode).toBe('verified')
    const masks = [{ name: 'tenant', pattern: /t-\d+/ }]
    const options = { mode: 'verified', masks, literals: ['vlan'], epsilon: 0.3, members: 12, checkShare: 0 }
    expect(read(options)).toEqual({ ...options, warnings: [] })
  })

  it('warns of a variable that means nothing, and throws for an option that does not', () => {
    const { mode, warnings } = read(undefined, 'sometimes')
    expect([mode, warnings.length, warnings[0]]).toEqual([
      'off',
      1,
      expect.stringContaining('OPDBUS_EMBEDDING_PATTERNS'),
    ])
    const wrong = ['sometimes', 1, null, { mode: 'x' }, { epsilon: 3 }, { epsilon: Number.NaN }, { members: 1 }]
    for (const [option, fault] of [
      [{ epsilon: Number.NaN }, 'patterns: epsilon is NaN, not a number from 0 to 2'],
      [{ members: 2.5 }, 'patterns: members is 2.5, not a whole number from 2 to 64'],
      [{ mode: 'x' }, 'patterns: mode is "x", not one of off, template, verified'],
      [{ epsilom: 1 }, 'patterns: there is no "epsilom"; there are: mode, masks,'],
    ] as const) {
      expect(() => read(option)).toThrow(fault)
    }
    const more = [{ members: 2.5 }, { checkShare: 2 }, { masks: {} }, { literals: 'a' }, { strange: 1 }]
    for (const option of [...wrong, ...more]) {
      expect(() => read(option), JSON.stringify(option)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
    }
  })
})
