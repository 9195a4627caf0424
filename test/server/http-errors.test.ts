// What callers are told of errors: never what somebody else's code said, and where things lie on this machine only its own.
import { describe, expect, it, vi } from 'vitest'
import { type ErrorCode, OpDbusError } from '../../src/errors.js'
import { errorBody, httpErrorOf } from '../../src/server/http-errors.js'
import { deferred } from '../support.js'
import { ask, startDaemon } from './daemon.js'

const told = (code: ErrorCode, message: string, details = {}, tellsFiles = false) =>
  httpErrorOf(new OpDbusError(code, message, { details }), tellsFiles)

describe('a message', () => {
  it('of a worker or an embedder is one of ours, whoever asks', () => {
    for (const code of ['WORKER_LOST', 'EMBEDDER_FAILED', 'PARTIAL_FAILURE'] as const) {
      for (const tellsFiles of [false, true]) {
        const error = told(code, 'SIGTRAP: 8: 0x195e476 [/usr/bin/node] a secret text', {}, tellsFiles)
        expect(JSON.stringify(error)).not.toMatch(/SIGTRAP|usr|secret/)
      }
    }
  })

  it('that names files of this machine names none from elsewhere, and the log has it', () => {
    const dir = '/home/me/my data/blockchain'
    const message = `there is no chain in ${dir}: nothing was verified`
    expect(told('STORE', message, { dir })).toMatchObject({
      message: 'there is no chain in its place: nothing was verified',
      withheld: message,
    })
    for (const path of ['/var/x', '"/var/x"', '~/x', 'C:\\x', 'C:/x', '\\\\host\\x', '(/var/x)']) {
      const error = told('STORE', `cannot read ${path}`)
      expect(errorBody('api', error), path).toEqual({
        error: { code: 'STORE', message: 'something that this server keeps could not be used: its log says what' },
      })
      expect(told('STORE', `cannot read ${path}`, {}, true)).not.toHaveProperty('withheld')
    }
  })

  it('that names none is told whole', () => {
    const whole: [ErrorCode, string][] = [
      ['STORE', 'the chain was pruned or restored while it was read\ntry again'],
      ['DOWNLOAD', 'https://huggingface.co/a/b answered 503; redis://h:1/0; a model a/b'],
      ['INVALID_INPUT', 'desired:1:2: /things/one is no thing'],
    ]
    for (const [code, message] of whole) {
      const error = told(code, message)
      expect(error.message).toBe(message)
      expect(error).not.toHaveProperty('withheld')
    }
  })
})

it('over TCP no folder is told of a chain that is not there; over the unix socket it is', async () => {
  const daemon = await startDaemon()
  const asked = async (overSocket: boolean) => (await ask(daemon, '/api/verify', { body: {}, overSocket })).text
  expect(await asked(true)).toContain(daemon.dataDir)
  const overTcp = await asked(false)
  expect(overTcp).toContain('there is no chain')
  expect(overTcp).not.toContain(daemon.dataDir)
  await daemon.stop()
})

it('who comes while the chain is being verified is told to come again, and is not counted as turned away for want of room', async () => {
  const daemon = await startDaemon()
  const { promise: verified, resolve: isVerified } = deferred<never>()
  const { promise: began, resolve: begins } = deferred<void>()
  vi.spyOn(daemon.context.chain!, 'verify').mockImplementation(() => {
    begins()
    return verified
  })
  const first = ask(daemon, '/api/verify', { body: {} })
  await began
  const { status, json, headers } = await ask(daemon, '/api/verify', { body: {} })
  expect([status, json.error.code, headers['retry-after']]).toEqual([429, 'BUSY', '1'])
  expect(daemon.context.meters.counts.overloaded).toBe(0)
  isVerified({ ok: true } as never)
  await first
  await daemon.stop()
})
