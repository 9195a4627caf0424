// Why a worker's script could not be loaded: the browser does not say, the server's answer does.
import { afterEach, beforeEach, expect, it } from 'vitest'
import { scriptFault } from '../../src/web/script-fault.js'
import { type ServeOptions, startServer, type TestServer } from '../browser/static-server.js'

let server: TestServer | undefined
beforeEach(() => {
  server = undefined
})
afterEach(() => server?.close())

it.each<{ what: string; options: ServeOptions; isolated: boolean; says: RegExp }>([
  { what: 'is not there', options: {}, isolated: false, says: /answers 404\. run op-dbus assets/ },
  {
    what: 'lacks the header',
    options: { files: { '/worker.js': '1' } },
    isolated: true,
    says: /without the header Cross-Origin-Embedder-Policy/,
  },
  {
    what: 'is there, with the header',
    options: { files: { '/worker.js': '1' }, isolated: true },
    isolated: true,
    says: /it is there; a Content-Security-Policy/,
  },
  {
    what: 'is there, and the page is not isolated',
    options: { files: { '/worker.js': '1' } },
    isolated: false,
    says: /it is there; a Content-Security-Policy/,
  },
])('a script that $what', async ({ options, isolated, says }) => {
  server = await startServer(options)
  const url = `${server.url}/worker.js`
  const fault = await scriptFault(url, isolated)
  expect(fault).toMatch(says)
  expect(fault).toContain(url)
})

it('a page in its place, no server, no address', async () => {
  server = await startServer()
  expect(await scriptFault(`${server.url}/`, false)).toMatch(
    /answers with text\/html.*, no script\. run op-dbus assets/,
  )
  const gone = `${server.url}/worker.js`
  await server.close()
  server = undefined
  expect(await scriptFault(gone, false)).toMatch(/the server cannot be reached$/)
  expect(await scriptFault(undefined, false)).toMatch(/beside the module: run op-dbus assets/)
})
