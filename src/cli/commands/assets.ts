// What `op-dbus assets` says of itself.
import { command } from '../command.js'

export const assets = command({
  name: 'assets',
  about: 'put what a page needs into a public folder',
  more: "Worker, ONNX Runtime's WebAssembly and the built-in model; a page fetches them only when it needs them.",
  arguments: { usage: 'DIR', help: 'The folder; it is made where it is missing.', completes: 'folder' },
  options: {
    force: { help: 'Also over files that op-dbus has not written.' },
    json: { help: 'What was copied, as JSON.' },
  },
  examples: ['op-dbus assets public/op-dbus'],
  exitCodes: [],
  run: async call => (await import('../run/assets.js')).assets(call),
})
