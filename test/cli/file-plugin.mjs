// A plugin for tests: the system is a JSON file, { things: [{ name, ... }], mode: {...} }. What it is asked is a line of FILE.log each.
// A thing called `broken` cannot be changed, `slow` is changed later, `fixed` is refused. While FILE.hold is there, an apply waits.
// @ts-check
import { appendFileSync, existsSync, readFileSync, renameSync, watch, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'

/** @type {import('op-dbus/state').PluginModule} */
export default ({ env }) => {
  const file = env.TEST_SYSTEM ?? ''
  const read = () => JSON.parse(readFileSync(file, 'utf8'))
  const log = (/** @type {string} */ word) => appendFileSync(`${file}.log`, `${word}\n`)

  /** Resolves when `ready` says so; looks again whenever something happens in the folder. @param {() => boolean} ready @param {AbortSignal} signal */
  const until = (ready, signal) =>
    new Promise((resolve, reject) => {
      const watcher = watch(dirname(file), () => look())
      const end = (/** @type {() => void} */ settle) => {
        watcher.close()
        settle()
      }
      const look = () => ready() && end(() => resolve(undefined))
      signal.addEventListener('abort', () => end(() => reject(signal.reason)), { once: true })
      look()
    })

  return {
    name: 'things',
    version: '1',
    scope: file,
    resources: { things: { key: 'name' }, mode: { single: true } },
    capabilities: { apply: true, atomic: false, rollback: true, watch: true },
    unavailable: () => (existsSync(file) ? undefined : `there is no ${file}`),
    async query() {
      log('query')
      return read()
    },
    refuses: action => (action.resource.name === 'fixed' ? 'what is fixed stays as it is' : undefined),
    prunes: () => true,
    async apply(actions, { report, signal }) {
      log('apply')
      await until(() => !existsSync(`${file}.hold`), signal)
      for (const action of actions) {
        const { collection, name } = action.resource
        if (name === 'broken') {
          report(action.resource, { status: 'failed', message: 'it is broken' })
          continue
        }
        if (name === 'slow') {
          report(action.resource, { status: 'pending', message: 'in a while' })
          continue
        }
        const state = read()
        if (collection === 'mode') {
          if (action.kind === 'modify')
            for (const change of action.changes) state.mode[change.path.slice(1)] = change.new
        } else {
          const others = state.things.filter((/** @type {any} */ thing) => thing.name !== name)
          const old = state.things.find((/** @type {any} */ thing) => thing.name === name)
          const thing = action.kind === 'create' ? { ...action.new, name } : { ...old }
          if (action.kind === 'modify') {
            for (const { path, new: value } of action.changes) {
              if (value === undefined) delete thing[path.slice(1)]
              else thing[path.slice(1)] = value
            }
          }
          state.things = action.kind === 'delete' ? others : [...others, thing]
        }
        writeFileSync(`${file}.next`, JSON.stringify(state))
        renameSync(`${file}.next`, file)
        report(action.resource, { status: 'done' })
      }
    },
    async watch({ changed }) {
      const watcher = watch(dirname(file), (_event, name) => name === basename(file) && changed())
      return { close: () => watcher.close() }
    },
  }
}
