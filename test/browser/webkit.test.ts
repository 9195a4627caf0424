// The web root and the playground in WebKit, as WebKitGTK.
import { inject } from 'vitest'
import { engineSuite } from './engines/suite.js'
import { launchWebKit } from './engines/webkit.js'

engineSuite('WebKit', inject('engines').webkit, programs => ({
  launch: () => launchWebKit(programs),
  denied: [
    {
      how: 'the engine has no IndexedDB',
      launch: () => launchWebKit(programs, ['--enable-html5-database=false']),
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
