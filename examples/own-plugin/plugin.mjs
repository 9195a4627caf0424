// A plugin of one's own: the small files of a folder that hold KEY=VALUE lines (environment.d, /etc/default, .env files), as a state that
// op-dbus queries, compares and changes. It imports nothing but Node: copy it, and begin.
//
//   export OPDBUS_PLUGINS=./examples/own-plugin/plugin.mjs KEY_FILES=/etc/myapp
//   op-dbus query files
//
// A file `web.conf` with PORT=8080 in it is the resource { "keys": { "PORT": "8080" }, "comments": 0 }. Comments, blank lines and the order
// of lines are left as they are. docs/plugins.md walks through it.
import { randomUUID } from 'node:crypto'
import { existsSync, statSync, watch } from 'node:fs'
import { chown, lstat, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** @typedef {import('op-dbus/state').StateAction} StateAction */
/** @typedef {import('op-dbus/state').Problem} Problem */
/** @typedef {{ keys: Record<string, string>, comments: number }} KeyFile */

const FILE = /^[A-Za-z0-9_][A-Za-z0-9._-]*\.conf$/
const KEY = /^[A-Za-z_][A-Za-z0-9_.]*$/
const LINE = /^\s*([A-Za-z_][A-Za-z0-9_.]*)\s*=(.*)$/

/** @type {import('op-dbus/state').PluginModule} */
export default function files({ env }) {
  const folder = env.KEY_FILES ?? '/etc/myapp'
  /** @param {string} name */
  const pathOf = name => join(folder, name)

  /** The text of each file; links and folders are none of ours. @returns {Promise<Map<string, string>>} */
  async function readAll() {
    const entries = await readdir(folder, { withFileTypes: true })
    const names = entries.filter(entry => entry.isFile() && FILE.test(entry.name)).map(({ name }) => name)
    const texts = await Promise.all(names.map(async name => /** @type {const} */ ([name, await textOf(pathOf(name))])))
    return new Map(texts.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])))
  }

  return {
    name: 'files',
    version: '1',
    // Two folders are two systems: what one answered never stands for the other.
    scope: folder,
    // One collection: an object by name. A list would say { key: 'name' }.
    resources: { files: {} },
    capabilities: { apply: true, atomic: false, rollback: true, watch: true },

    unavailable: () => (existsSync(folder) ? undefined : `there is no folder ${folder}; KEY_FILES names another`),

    async query() {
      const texts = await readAll()
      return { files: Object.fromEntries([...texts].map(([name, text]) => [name, parsed(text)])) }
    },

    // Comments can be seen, and not changed: a first desired file does not speak of them.
    initial: ({ files }) => ({
      files: Object.fromEntries(Object.entries(/** @type {any} */ (files)).map(([name, { keys }]) => [name, { keys }])),
    }),

    check: ({ files = {} }) =>
      Object.entries(files).flatMap(([name, file]) => problemsOf(name, /** @type {any} */ (file))),

    refuses: (action, current) => {
      if (action.kind === 'delete' && Number(current?.comments) > 0)
        return 'its comments would be lost: remove it by hand'
      const paths = action.kind === 'modify' ? action.changes.map(({ path }) => path) : []
      const writes = action.kind === 'create' ? Number(action.new.comments ?? 0) > 0 : paths.includes('/comments')
      return writes ? 'comments are written by hand' : undefined
    },

    prunes: () => true,

    async apply(actions, { report, signal }) {
      // First all is looked at, so that where one file is not what the plan saw, none is touched.
      const texts = await readAll()
      for (const action of actions) {
        const text = texts.get(action.resource.name)
        if (!isAsSeen(action, text === undefined ? undefined : parsed(text))) throw conflict(action.resource.name)
      }
      for (const action of actions) {
        signal.throwIfAborted()
        const { name } = action.resource
        try {
          if (action.kind === 'delete') await rm(pathOf(name))
          else await replace(pathOf(name), changed(texts.get(name) ?? '', wantedKeys(action)))
          report(action.resource, { status: 'done' })
        } catch (error) {
          // One file that cannot be written does not keep the others from it.
          report(action.resource, { status: 'failed', message: String(/** @type {Error} */ (error).message) })
        }
      }
    },

    async watch({ changed, lost }) {
      const { ino } = statSync(folder)
      const watcher = watch(folder, () => {
        changed()
        // What is told is told of the folder that was there: one that was put in its place tells nothing.
        if (statSync(folder, { throwIfNoEntry: false })?.ino !== ino) lose(`the folder ${folder} was removed`)
      })
      const lose = (/** @type {string} */ why) => {
        watcher.close()
        lost(why)
      }
      watcher.on('error', error => lose(error.message))
      return { close: () => watcher.close() }
    },
  }
}

/** Undefined: it went while it was looked at. @param {string} path */
async function textOf(path) {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined
    throw error
  }
}

/** As in a shell, the last line of a key counts. @param {string} text @returns {KeyFile} */
function parsed(text) {
  /** @type {[string, string][]} */
  const keys = []
  let comments = 0
  for (const line of text.split(/\r?\n/)) {
    const [, key, value] = LINE.exec(line) ?? []
    if (key !== undefined && value !== undefined) keys.push([key, value.trim()])
    else if (line.trim() !== '') comments++
  }
  return { keys: Object.fromEntries(keys), comments }
}

/** @param {string} name @param {{ keys?: unknown }} file @returns {Problem[]} */
function problemsOf(name, { keys, ...others }) {
  const at = `/files/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
  if (!FILE.test(name))
    return [{ path: at, message: 'is no name of a file: letters, digits, ".", "_", "-", and ".conf" at the end' }]
  // The last two may stand in any resource, and are checked before this.
  const unknown = Object.keys(others).find(field => !['comments', 'ensure', 'prune'].includes(field))
  if (unknown !== undefined) return [{ path: `${at}/${unknown}`, message: 'a file has keys and comments' }]
  if (keys === undefined) return []
  if (typeof keys !== 'object' || keys === null || Array.isArray(keys))
    return [{ path: `${at}/keys`, message: 'is not an object' }]
  return Object.entries(keys).flatMap(([key, value]) => {
    if (!KEY.test(key)) return [{ path: `${at}/keys`, message: `${JSON.stringify(key)} is no name of a key` }]
    const fits = value === null || (typeof value === 'string' && value === value.trim() && !/[\r\n]/.test(value))
    return fits
      ? []
      : [{ path: `${at}/keys/${key}`, message: 'has to be a text of one line without blanks around it, or null' }]
  })
}

/** Whether a file (undefined: there is none) is what the action was made from. @param {StateAction} action @param {KeyFile | undefined} file */
function isAsSeen(action, file) {
  if (action.kind === 'create') return file === undefined
  if (file === undefined) return false
  if (action.kind === 'delete') return sameKeys(/** @type {any} */ (action.old).keys, file.keys)
  return action.kind === 'modify' && action.changes.every(({ path, old }) => file.keys[keyOf(path)] === old)
}

/** @param {Record<string, string>} one @param {Record<string, string>} other */
function sameKeys(one, other) {
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every(name => one[name] === other[name])
}

/** `/keys/PORT` -> `PORT`: key names need no escapes. @param {string} path */
const keyOf = path => path.slice('/keys/'.length)

/** What is to stand in the file; undefined: the key is to go. @param {StateAction} action @returns {Map<string, string | undefined>} */
function wantedKeys(action) {
  if (action.kind === 'create') return new Map(Object.entries(/** @type {any} */ (action.new).keys ?? {}))
  const changes = action.kind === 'modify' ? action.changes : []
  return new Map(changes.map(change => [keyOf(change.path), /** @type {string | undefined} */ (change.new)]))
}

/** The text with these keys: where one stood it is replaced, and new ones come last. @param {string} text @param {Map<string, string | undefined>} wanted */
function changed(text, wanted) {
  const left = new Map(wanted)
  const lines = text.split('\n').flatMap(line => {
    const key = LINE.exec(line)?.[1]
    if (key === undefined || !wanted.has(key)) return [line]
    const value = left.get(key)
    left.delete(key)
    return value === undefined ? [] : [`${key}=${value}`]
  })
  const more = [...left].filter(([, value]) => value !== undefined).map(([key, value]) => `${key}=${value}`)
  if (lines.at(-1) === '') lines.pop()
  return [...lines, ...more, ''].join('\n')
}

/** Nobody ever reads half of a file; owner and rights stay. @param {string} path @param {string} text */
async function replace(path, text) {
  const unfinished = `${path}.${randomUUID()}`
  const old = await lstat(path).catch(() => undefined)
  try {
    await writeFile(unfinished, text, { mode: old ? old.mode & 0o777 : 0o644, flush: true })
    if (old) await chown(unfinished, old.uid, old.gid)
    await rename(unfinished, path)
  } finally {
    await rm(unfinished, { force: true })
  }
}

/** What op-dbus knows as "the system moved, and nothing was changed". @param {string} name */
function conflict(name) {
  const error = new Error(`${name} is not what the plan saw: make it again`)
  return Object.assign(error, { name: 'OpDbusError', code: 'CONFLICT', details: { file: name } })
}
