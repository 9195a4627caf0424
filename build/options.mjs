// What the build writes from the table of options (src/options.ts): their documented type, what the CLI says of them, and the
// table in docs/settings.md. Pure: src/options.ts as values and as text goes in, files come out.
// @ts-check

/**
 * @typedef {object} Option one entry of the table, as far as it is read here
 * @property {string} type
 * @property {string} [typeFrom]
 * @property {string} group
 * @property {unknown} default
 * @property {string} [variable]
 * @property {{ name: string }} [otherVariable]
 * @property {{ short?: string, value?: string }} [flag]
 * @property {readonly string[]} [choices]
 * @property {'node' | 'page'} [only]
 *
 * @typedef {{ help: string, default: string }} Words of one option: what it is, and what holds without it
 * @typedef {Readonly<Record<string, Option>>} Table
 */

const GROUPS = {
  cache: 'Caches',
  tuning: 'Tuning',
  model: 'Model',
  patterns: 'Patterns',
  device: 'Devices and threads',
  data: 'What is kept',
  state: 'State',
  chain: 'Blockchain',
}
/** Groups that `openState` and `openChain` take, and `openCaches` does not. */
const BEYOND_CACHES = ['data', 'state', 'chain']
/** Groups of which `--help` tells the variables as well. */
const TOLD = [...BEYOND_CACHES, 'tuning']
const WIDTH = 120
const MADE = 'Made by the build from src/options.ts: edit that.'
const [BEGIN, END] = ['<!-- options: made by the build from src/options.ts -->', '<!-- end of options -->']

/**
 * The comment of each entry, taken apart.
 * @param {Table} table
 * @param {string} source of src/options.ts
 * @returns {Record<string, Words>}
 */
export function wordsOf(table, source) {
  const entries = source.slice(source.indexOf('export const OPTIONS'))
  return Object.fromEntries(
    Object.entries(table).map(([name, option]) => {
      const comment = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*${name}:`).exec(entries)?.[1]
      if (comment === undefined) throw new Error(`src/options.ts: "${name}" has no comment, which is its help`)
      const text = comment.replace(/\s*\n\s*\*?\s*/g, ' ').trim()
      const [, help = text, otherwise] = /^(.*?) Default: (.*)\.$/.exec(text) ?? []
      if (otherwise === undefined && option.default === undefined) {
        throw new Error(
          `src/options.ts: the comment of "${name}" does not end with what holds without it: "Default: ..."`,
        )
      }
      return [name, { help, default: otherwise ?? shown(option.default) }]
    }),
  )
}

/**
 * @param {Table} table
 * @param {string} source of src/options.ts
 * @param {string} page docs/settings.md as it is
 * @returns {Record<string, string>} path below the repository -> its text
 */
export function filesOf(table, source, page) {
  const words = wordsOf(table, source)
  return {
    'src/settings.ts': settings(table, words),
    'src/cli/option-words.ts': optionWords(table, words),
    'docs/settings.md': between(page, docs(table, words)),
  }
}

/** @param {Table} table @param {Record<string, Words>} words */
function settings(table, words) {
  const members = /** @param {(option: Option) => boolean} which */ which =>
    Object.entries(table)
      .filter(([, option]) => which(option))
      .flatMap(([name, option]) => member(name, option, /** @type {Words} */ (words[name])))
  const imports = Object.values(table).flatMap(({ type, typeFrom }) =>
    typeFrom ? [`import type { ${type} } from '${typeFrom}'`] : [],
  )
  return [
    `// The types of what \`openCaches\`, \`openState\` and \`openChain\` take. ${MADE}`,
    ...new Set(imports),
    '',
    '/** What can be set in every runtime. All optional. */',
    'export interface CommonSettings {',
    ...members(({ group, only }) => !BEYOND_CACHES.includes(group) && only === undefined),
    '}',
    '',
    '/** Everything that can be set, by whoever opens the caches. All optional; an option wins over its variable. */',
    'export interface CacheSettings extends CommonSettings {',
    ...members(({ group, only }) => !BEYOND_CACHES.includes(group) && only !== undefined),
    '}',
    '',
    '/** What can be set for plugins and the state that they answer, besides the caches. All optional; an option wins over its variable. */',
    'export interface StateSettings {',
    ...members(({ group }) => group === 'data' || group === 'state'),
    '}',
    '',
    '/** What can be set for the chain, besides the caches. All optional; an option wins over its variable. */',
    'export interface ChainSettings {',
    ...members(({ group }) => group === 'data' || group === 'chain'),
    '}',
    '',
  ].join('\n')
}

/** @param {string} name @param {Option} option @param {Words} words */
function member(name, { type, variable, otherVariable, choices }, words) {
  const values = choices ? ` ${listed(choices.map(choice => `\`${choice}\``))}.` : ''
  const from = [variable, otherVariable?.name].flatMap(one => (one ? [`\`${one}\``] : [])).join(', else ')
  const text = `${words.help}${values} Default: ${words.default}.${from && ` Variable: ${from}.`}`
  const line = `  /** ${text} */`
  const comment = line.length <= WIDTH ? [line] : ['  /**', ...wrap(text, WIDTH - 5).map(one => `   * ${one}`), '   */']
  return [...comment, `  readonly ${name}?: ${type} | undefined`]
}

/** @param {Table} table @param {Record<string, Words>} words */
function optionWords(table, words) {
  const rows = Object.entries(table)
    .filter(([name, { flag, group }]) => flag || TOLD.includes(group) || name === 'queryCacheTtl')
    .flatMap(([name]) => {
      const { help, default: otherwise } = /** @type {Words} */ (words[name])
      return [`  ${name}: {`, property('help', help), property('default', otherwise), '  },']
    })
  return [
    `// What the CLI says of the options that it takes, and of variables of tuning, state and chain. ${MADE}`,
    'export const OPTION_WORDS: Readonly<Record<string, { readonly help: string; readonly default: string }>> = {',
    ...rows,
    '}',
    '',
  ].join('\n')
}

/** @param {string} name @param {string} text */
function property(name, text) {
  const plain = text.replaceAll('`', '')
  const quoted = plain.includes("'") ? JSON.stringify(plain) : `'${plain}'`
  return `    ${name}: ${quoted},`
}

/** @param {Table} table @param {Record<string, Words>} words */
function docs(table, words) {
  const lines = Object.entries(GROUPS).flatMap(([group, title]) => [
    `### ${title}`,
    '',
    '| option | variable | flag | default | what it does |',
    '|---|---|---|---|---|',
    ...Object.entries(table)
      .filter(([, option]) => option.group === group)
      .map(([name, option]) => {
        const { help, default: otherwise } = /** @type {Words} */ (words[name])
        const values = option.choices ? ` ${listed(option.choices.map(choice => `\`${choice}\``))}.` : ''
        const node = option.only === 'node' ? ' Node only.' : option.only === 'page' ? ' Pages only.' : ''
        const variables = [option.variable, option.otherVariable?.name].flatMap(one => (one ? [`\`${one}\``] : []))
        const flag = option.flag ? `\`${flagOf(name, option.flag)}\`` : ''
        return `| \`${name}\` | ${variables.join(', else ')} | ${flag} | ${otherwise} | ${help}${values}${node} |`
      }),
    '',
  ])
  return lines.join('\n')
}

/** @param {string} name @param {{ short?: string, value?: string }} flag */
function flagOf(name, { short, value }) {
  const long = `--${kebab(name)}${value ? ` ${value}` : ''}`
  return short ? `-${short}, ${long}` : long
}

/** @param {string} name */
function kebab(name) {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** @param {string} page @param {string} made */
function between(page, made) {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`docs/settings.md has lost the lines "${BEGIN}" and "${END}"`)
  return `${page.slice(0, from)}${BEGIN}\n\n${made}${page.slice(to)}`
}

/** @param {readonly string[]} words */
function listed(words) {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

/** @param {unknown} value */
function shown(value) {
  return typeof value === 'number' ? value.toLocaleString('en-US') : String(value)
}

/** @param {string} text @param {number} width */
function wrap(text, width) {
  /** @type {string[]} */
  const lines = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
