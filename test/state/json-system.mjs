// A system to be asked and changed: a JSON file of items, and the plugin module for it. Each step can be told on stdout, and one of them
// never ends: whoever started the process kills it there.
// @ts-check
import { randomUUID } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'

/** @typedef {Record<string, { value: number }>} Items */

/** @param {string} file @returns {Items} */
export function readItems(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}

/** @param {string} file @param {Items} items */
export function writeItems(file, items) {
  const beside = `${file}.${randomUUID()}`
  writeFileSync(beside, JSON.stringify(items))
  renameSync(beside, file)
}

/**
 * @param {string} file
 * @param {(step: string) => void | Promise<void>} [step] told before each
 * @param {string} [name]
 * @returns {import('../../src/state/plugin.js').StatePlugin}
 */
export function jsonPlugin(file, step = () => {}, name = 'json') {
  return {
    name,
    version: '1',
    scope: file,
    resources: { items: {} },
    capabilities: { apply: true, atomic: false, rollback: true, watch: false },
    async query() {
      await step('query')
      return { items: readItems(file) }
    },
    async checkpoint() {
      await step('checkpoint')
      return null
    },
    prunes: () => true,
    async apply(actions, { report, signal }) {
      for (const action of actions) {
        if (signal.aborted) return
        await step(`before ${action.resource.name}`)
        const items = readItems(file)
        const { name } = action.resource
        if (action.kind === 'create')
          items[name] = /** @type {{ value: number }} */ (/** @type {unknown} */ (action.new))
        if (action.kind === 'delete') delete items[name]
        if (action.kind === 'modify') items[name] = { value: Number(action.changes[0]?.new) }
        writeItems(file, items)
        await step(`after ${action.resource.name}`)
        report(action.resource, { status: 'done' })
      }
    },
  }
}

/** As a plugin module: JSON_SYSTEM names the file, JSON_STOP the step, counted from 1, that never ends. */
export default (/** @type {import('../../src/state/plugin.js').PluginTools} */ { env }) => {
  let steps = 0
  const step = async (/** @type {string} */ what) => {
    steps++
    if (env.JSON_SAY) writeSync(1, `step ${steps} ${what}\n`)
    if (steps === Number(env.JSON_STOP)) await new Promise(() => setInterval(() => {}, 1000))
  }
  return jsonPlugin(/** @type {string} */ (env.JSON_SYSTEM), step)
}
