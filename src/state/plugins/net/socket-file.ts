// The file of a server's socket: whether it is still the one that a connection was made to, and the moment when it is not. A server that
// takes a path over leaves the connections to its predecessor as they are.
import { existsSync, type FSWatcher, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'

/** Of the file that lies there now, another one has another; undefined where there is none. */
export function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && `${found.dev}:${found.ino}:${found.mtimeMs}`
}

/**
 * Calls `changed` once, when the file comes, goes or is another than `identity`. Also where its folder is not there yet: the nearest one
 * above it is watched till then. Keeps no process alive.
 */
export function watchSocketFile(path: string, identity: string | undefined, changed: () => void): { close(): void } {
  let open = true
  let folder: string | undefined
  let watcher: FSWatcher | undefined
  const close = () => {
    open = false
    watcher?.close()
  }
  const tell = () => {
    if (!open) return
    close()
    changed()
  }
  const look = () => {
    if (!open) return
    const nearest = nearestFolder(path)
    if (nearest !== folder) {
      watcher?.close()
      folder = nearest
      watcher = watch(nearest, { persistent: false }, again)
      // What cannot be watched any more may be anything by now.
      watcher.on('error', tell)
      // What came between the look and the watch is seen now.
      return look()
    }
    if (identityOf(path) !== identity) tell()
  }
  const again = (event: string) => {
    // It may be the folder itself that went, and what is there now another of its name (of the same inode, too): that one is watched.
    if (event === 'rename') folder = undefined
    try {
      look()
    } catch {
      tell()
    }
  }
  look()
  return { close }
}

function nearestFolder(path: string): string {
  const folder = dirname(path)
  return folder === path || existsSync(folder) ? folder : nearestFolder(folder)
}
