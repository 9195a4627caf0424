// How a download is shown: one line when it begins, and on a terminal a bar that is redrawn at each new percent.

import { bytes } from '../format.js'
import type { PullProgress } from '../node/models.js'
import type { Terminal } from './terminal.js'

/** Draws a bar; off a terminal nothing is drawn. `announce`: says in a line what is fetched, before its first byte. */
export function downloadBar(terminal: Terminal, announce: boolean): (progress: PullProgress) => void {
  let said: string | undefined
  let drawn = -1
  return ({ model, from, into, file, done, total }) => {
    if (said !== model) {
      if (announce) terminal.say(`op-dbus: fetching ${model} (${bytes(total - done)}) from ${from} into ${into}`)
      said = model
      drawn = -1
    }
    const percent = total > 0 ? Math.floor((100 * done) / total) : 100
    if (percent === drawn) return
    drawn = percent
    // What comes next on stderr does not know of the bar.
    terminal.status(announce && done >= total ? '' : progressBar(model, file, done, total))
  }
}

/** `medium [=====     ] 50%  40 MB of 80 MB  onnx/model.onnx`, in at most 79 columns. */
function progressBar(model: string, file: string, done: number, total: number): string {
  const share = total > 0 ? done / total : 1
  const bar = '='.repeat(Math.floor(20 * share)).padEnd(20)
  return `${model} [${bar}] ${Math.floor(100 * share)}%  ${bytes(done)} of ${bytes(total)}  ${file}`.slice(0, 79)
}
