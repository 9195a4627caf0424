// Starts the worker that embeds: a process, or a thread where none may be started. Part of the Node root; knows nothing of what
// the worker computes. Its twin is web/start-worker.ts.
import { pathToFileURL } from 'node:url'
import { canStartProcess, spawnNodeProcess } from '../backends/process-node.js'
import { spawnNodeWorker } from '../backends/worker-node.js'
import { OpDbusError } from '../errors.js'
import { DENIED, errnoOf } from '../fs/errno.js'
import type { WorkerHandle } from '../ports.js'
import { ownFile } from './own-files.js'

/**
 * The embedding worker of the built library: a process, or a thread where none may be started. Throws DEVICE_UNAVAILABLE
 * where Node's permission model allows neither.
 */
export function startWorker(): WorkerHandle {
  const url = pathToFileURL(ownFile('node-worker.js'))
  if (canStartProcess()) return spawnNodeProcess(url)
  try {
    return spawnNodeWorker(url)
  } catch (error) {
    if (errnoOf(error) !== DENIED) throw error
    const why =
      "Node's permission model allows neither a process nor a worker thread, and models compute in one: start node with --allow-worker"
    throw new OpDbusError('DEVICE_UNAVAILABLE', why, { cause: error })
  }
}
