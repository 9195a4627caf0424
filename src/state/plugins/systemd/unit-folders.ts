// Tells changes in the folders that unit files and their links lie in: those that are made by hand, without systemd, it tells nobody of.
import { existsSync, type FSWatcher, readdirSync, watch } from 'node:fs'
import { dirname, join } from 'node:path'

/** Links that enable units lie in folders of the unit that they are for. */
const OF_LINKS = /\.(wants|requires|upholds)$/

export class UnitFolders {
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #changed: () => void
  readonly #failed: (error: Error) => void
  #closed = false

  /** `folders` that are not there are left out. Throws where the system watches no more; `failed` is told what comes later. */
  constructor(folders: readonly string[], changed: () => void, failed: (error: Error) => void) {
    this.#changed = changed
    this.#failed = failed
    try {
      for (const folder of folders) this.#watchWhole(folder)
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    this.#closed = true
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #watchWhole(folder: string): void {
    this.#watch(folder, () => {
      try {
        if (!existsSync(folder)) throw new Error(`${folder} is gone`)
        this.#watchLinks(folder)
      } catch (error) {
        this.#failed(error as Error)
      }
    })
    this.#watchLinks(folder)
  }

  /** Anew: one that went and came again is another one. */
  #watchLinks(folder: string): void {
    for (const [path, watcher] of this.#watchers) {
      if (dirname(path) !== folder || !OF_LINKS.test(path)) continue
      watcher.close()
      this.#watchers.delete(path)
    }
    const links = namesIn(folder).filter(name => OF_LINKS.test(name))
    for (const name of links) this.#watch(join(folder, name), () => {})
  }

  /** `changed` comes before all others are told. */
  #watch(folder: string, changed: () => void): void {
    if (this.#closed || this.#watchers.has(folder)) return
    let watcher: FSWatcher
    try {
      // It keeps no process alive.
      watcher = watch(folder, { persistent: false })
    } catch (error) {
      if (isAbsent(error)) return
      throw error
    }
    this.#watchers.set(folder, watcher)
    watcher.on('change', () => {
      changed()
      this.#changed()
    })
    watcher.on('error', error => this.#failed(error))
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES'
}
