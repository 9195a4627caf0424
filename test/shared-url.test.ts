// Where a shared store is, out of its URL; and that nothing that is said of a wrong one repeats it.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSharedUrl, shownAddress } from '../src/shared-url.js'

describe('the URL of a shared store', () => {
  it('is taken apart', () => {
    const plain = { tls: false, cluster: false, database: 0 }
    expect(parseSharedUrl('redis://h')).toMatchObject({ ...plain, hosts: [{ host: 'h', port: 6379 }] })
    expect(parseSharedUrl('rediss://u:p%40%2F@h.example:1/3')).toMatchObject({
      hosts: [{ host: 'h.example', port: 1 }],
      tls: true,
      username: 'u',
      password: 'p@/',
      database: 3,
    })
    const bare = { hosts: [{ host: '::1', port: 7000 }], username: undefined, password: 'only' }
    expect(parseSharedUrl('redis://:only@[::1]:7000')).toMatchObject(bare)
    expect(parseSharedUrl('REDIS+CLUSTER://a:1,b,c:3')).toMatchObject({
      cluster: true,
      hosts: [
        { host: 'a', port: 1 },
        { host: 'b', port: 6379 },
        { host: 'c', port: 3 },
      ],
    })
  })

  it('keeps whoever may use it to itself', () => {
    const parsed = parseSharedUrl('rediss+cluster://me:secret@[::1]:7,b:8')
    expect('fault' in parsed || shownAddress(parsed)).toBe('rediss+cluster://[::1]:7,b:8')
  })

  it.each([
    'http://h',
    'redis:h',
    'redis://',
    'redis://h:0',
    'redis://h:70000',
    'redis://h/x',
    'redis://a,b',
    'redis+cluster://a/1',
    'redis://u:%zz@h',
    'redis://h?x=1',
    'redis://h ost',
    'toString://h',
  ])('is refused where it is none: %s', url => {
    expect(parseSharedUrl(url)).toEqual({ fault: expect.any(String) })
  })

  it('never has its password in what is wrong with it, whatever it is', () => {
    const password = fc.string({ maxLength: 20 }).map(text => `pw-${text}-pw`)
    fc.assert(
      fc.property(password, fc.string({ maxLength: 12 }), (secret, rest) => {
        const parsed = parseSharedUrl(`redis://user:${secret}@h${rest}`)
        const said = 'fault' in parsed ? parsed.fault : shownAddress(parsed)
        expect(said).not.toContain('pw-')
      }),
    )
  })
})
