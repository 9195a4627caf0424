// Which bytes are text, and of which kind: UTF-8, whole or damaged, one byte a character, or none at all.
import { describe, expect, it } from 'vitest'
import { readTextFile } from '../../playground/text-file.js'

const read = async (...bytes: number[]) => (await readTextFile(new File([Uint8Array.from(bytes)], 'f'))).text
const codes = (text: string) => [...new TextEncoder().encode(text)]

describe('readTextFile', () => {
  it('reads windows-1252 where bytes are no UTF-8', async () => {
    expect(await read(0xe9, 0x74, 0xe9)).toBe('été')
    expect(await read(...codes('caf'), 0xe9)).toBe('café')
  })

  it('reads UTF-8, also where one character of many is damaged or cut', async () => {
    expect(await read(...codes('\ufeffé'))).toBe('é')
    expect(await read(...codes('\ufffd'))).toBe('\ufffd')
    expect(await read(...codes('été, '), 0xff, ...codes('à'))).toBe('été, \ufffdà')
    const { text } = await readTextFile(new File(['a\n', 'é'], 'f'), 3)
    expect(text).toBe('a')
  })

  it('takes colours of a terminal for text, and other control bytes for none', async () => {
    expect(await read(0x1b, ...codes('[31mrouge'), 0xe9)).toBe('\u001b[31mrougeé')
    for (const control of [0, 1, 8, 0x0e, 0x1f, 0x7f]) expect(await read(0xe9, control, 0xe9)).toBeUndefined()
  })
})
