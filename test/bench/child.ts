// Parts of rows that need a process of their own: a heap that nothing else has filled, and nothing found warm.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Library } from './library.js'

/** What such a process does; what it resolves to is handed over as JSON. */
export type ChildTask = (library: Library, ...args: string[]) => Promise<unknown>

/** Runs a task of `main.ts` in a new process, on the same build of the library. */
export function inChild<T>(library: Library, task: string, ...args: readonly string[]): Promise<T> {
  return inNode(library, [], task, ...args)
}

/** The same, with options for Node. */
export async function inNode<T>(
  { folder }: Library,
  options: readonly string[],
  task: string,
  ...args: readonly string[]
): Promise<T> {
  const words = [task, ...args].flatMap(word => ['--child', word])
  const command = [...options, fileURLToPath(import.meta.url), '--library', folder, ...words]
  const { stdout } = await promisify(execFile)(process.execPath, command)
  return JSON.parse(stdout) as T
}
