// What is to be done when a process, or a worker thread of the application, ends by itself. A thread that is terminated
// runs nothing.

/** One listener for all of them: Node warns of a leak from the eleventh on. */
const tasks = new Set<() => void>()

/** Runs `task`, synchronously, at the end, unless the function it returns is called before. `task` must not throw. */
export function atExit(task: () => void): () => void {
  if (tasks.size === 0) process.on('exit', runTasks)
  tasks.add(task)
  return () => {
    tasks.delete(task)
    if (tasks.size === 0) process.off('exit', runTasks)
  }
}

function runTasks(): void {
  for (const task of tasks) task()
}
