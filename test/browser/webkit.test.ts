// The web root and the playground in WebKit, as WebKitGTK.
import { inject } from 'vitest'
import { engineSuite } from './engines/suite.js'
import { launchWebKit } from './engines/webkit.js'

engineSuite('WebKit', inject('engines').webkit, programs => ({
  // The memory that threads share, which Safari has, is an option of WebKitGTK. Below it is left off.
  launch: () => launchWebKit(programs, { env: { JSC_useSharedArrayBuffer: '1' } }),
  // Once in dozens of runs WebAssembly in WebKitGTK is handed garbage while ONNX Runtime starts: libc++ is asked for a hash table of more
  // buckets than there are numbers. The library answers it with an error, and no vector.
  ownFault: /ERROR_MESSAGE: __next_prime overflow/,
  denied: [
    {
      how: 'the engine has no IndexedDB',
      launch: () => launchWebKit(programs, { args: ['--enable-html5-database=false'] }),
      kind: 'missing',
    },
    {
      how: 'IndexedDB refuses to open, as in Safari under lockdown',
      launch: () => launchWebKit(programs),
      before: () => {
        IDBFactory.prototype.open = () => {
          throw new DOMException('denied', 'SecurityError')
        }
      },
      kind: 'denied',
    },
  ],
}))
