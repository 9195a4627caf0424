// An output that is no regular file: a device, a FIFO, a descriptor. Rows go out as they come, and cannot be taken back.
import { constants, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { errnoOf } from '../../fs/errno.js'
import { isGone, type Writer, writerOf } from '../descriptor.js'
import type { Target } from '../target.js'
import type { Terminal } from '../terminal.js'
import type { Output } from './destination.js'
import { bytesOf, createSpool, Rows } from './spool.js'

/** How often it is asked whether a FIFO has a reader, in ms: the system tells it in no other way to who can be interrupted. */
const ASK_MS = 20

type Place = Extract<Target, { kind: 'descriptor' | 'special' }>

export async function openInPlace(target: Place, terminal: Terminal): Promise<Output> {
  const writer = await openWriter(target, terminal)
  return {
    append: data => writer.write(data),
    rewrite: () => Promise.reject(new Error('what was written cannot be taken back')),
    finish: async () => writer.close(),
    abandon: async () => writer.close(),
  }
}

/** For a format that begins with what is only known at the end. */
export async function openSpooled(target: Place, terminal: Terminal): Promise<Output> {
  const writer = await openWriter(target, terminal)
  const spool = await createSpool().catch(error => {
    writer.close()
    throw error
  })
  const rows = new Rows(spool)
  return {
    append: data => rows.append(data),
    rewrite: start => rows.rewrite(start),
    async finish() {
      await rows.flush()
      for await (const chunk of bytesOf(spool)) await writer.write(chunk)
      writer.close()
      await spool.close()
    },
    async abandon() {
      writer.close()
      await spool.close().catch(() => {})
    },
  }
}

async function openWriter(target: Place, terminal: Terminal): Promise<Writer> {
  if (target.kind === 'descriptor' && target.fd === 1) return { write: terminal.out, close() {} }
  const fd = target.kind === 'descriptor' ? target.fd : await openSpecial(target, terminal.signal)
  const writer = writerOf(fd, terminal.signal)
  return {
    async write(data) {
      if (terminal.closed) return
      try {
        await writer.write(data)
      } catch (error) {
        if (!isGone(error)) throw error
        terminal.readerGone()
      }
    },
    close: once(() => writer.close()),
  }
}

/**
 * Waits for the reader of a FIFO, as every writer does, but not inside the system: a thread that waits there cannot be called
 * back, and would keep the process from ending.
 */
async function openSpecial(target: Extract<Target, { kind: 'special' }>, signal: AbortSignal): Promise<number> {
  const { O_WRONLY, O_NONBLOCK = 0, O_NOCTTY = 0, O_TRUNC } = constants
  if (!target.stats.isFIFO()) return openSync(target.path, O_WRONLY | O_NOCTTY | O_TRUNC)
  for (;;) {
    try {
      return openSync(target.path, O_WRONLY | O_NONBLOCK)
    } catch (error) {
      if (errnoOf(error) !== 'ENXIO') throw error
    }
    await sleep(ASK_MS, undefined, { signal })
  }
}

function once(run: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    run()
  }
}
