// What lies in our bundles of others is passed on with its licence.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { packageFolders } from '../../build/licenses.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const licences = (file: string) => readFileSync(`${root}dist/${file}`, 'utf8')

describe('licences of what is bundled', () => {
  it('names packages by the folders of what went in, nested and scoped ones too', () => {
    const inputs = [
      'src/a.ts',
      'node_modules/x/lib/y.js',
      'node_modules/@s/x/y.js',
      'node_modules/x/node_modules/z/i.js',
    ]
    expect(packageFolders(inputs)).toEqual(['node_modules/@s/x', 'node_modules/x', 'node_modules/x/node_modules/z'])
  })

  it.each([
    ['licenses.txt', ['fastify', 'prom-client', 'js-tiktoken', 'aws4fetch', 'dbus-native', 'secure-json-parse']],
    ['console/licenses.txt', ['preact', 'uplot']],
  ])('%s has the packages with their texts', (file, names) => {
    const text = licences(file)
    for (const name of names) expect(text).toMatch(new RegExp(`^${name} \\d+\\.`, 'm'))
    expect(text).toContain('Permission is hereby granted')
  })
})
