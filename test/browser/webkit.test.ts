// The web root and the playground in WebKit, as WebKitGTK.
import { describe, inject, vi } from 'vitest'
import { librarySuite } from './engines/library-suite.js'
import { launchWebKit, type WebKitPrograms } from './engines/webkit.js'
import { useWebAssets } from './web-assets.js'

const found = inject('engines').webkit
// Each test opens a model of its own, which takes a busy machine a while.
vi.setConfig({ testTimeout: 180_000 })

describe.skipIf('missing' in found)(`WebKit${'missing' in found ? ` (skipped: ${found.missing})` : ''}`, () => {
  const assets = useWebAssets({ web: 'test/browser/web-entry.ts' })
  const launch =
    (...args: string[]) =>
    () =>
      launchWebKit((found as { programs: WebKitPrograms }).programs, args)
  librarySuite(assets, {
    launch: launch(),
    denied: [
      { how: 'the engine has no IndexedDB', launch: launch('--enable-html5-database=false'), kind: 'missing' },
      {
        how: 'IndexedDB refuses to open, as in Safari under lockdown',
        launch: launch(),
        before: () => {
          IDBFactory.prototype.open = () => {
            throw new DOMException('denied', 'SecurityError')
          }
        },
        kind: 'denied',
      },
    ],
  })
})
