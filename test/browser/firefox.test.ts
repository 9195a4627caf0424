// The web root and the playground in Firefox.
import { describe, inject, vi } from 'vitest'
import { launchFirefox, type Preferences } from './engines/firefox.js'
import { librarySuite } from './engines/library-suite.js'
import { useWebAssets } from './web-assets.js'

const found = inject('engines').firefox
// Each test opens a model of its own, which takes a busy machine a while.
vi.setConfig({ testTimeout: 180_000 })

describe.skipIf('missing' in found)(`Firefox${'missing' in found ? ` (skipped: ${found.missing})` : ''}`, () => {
  const assets = useWebAssets({ web: 'test/browser/web-entry.ts' })
  const launch = (preferences?: Preferences) => () =>
    launchFirefox((found as { programs: string }).programs, preferences)
  librarySuite(assets, {
    launch: launch(),
    denied: [
      {
        how: 'the visitor forbids sites to store anything',
        // "Block all cookies".
        launch: launch({ 'network.cookie.cookieBehavior': 2 }),
        kind: 'denied',
        keepsNoFiles: true,
      },
      {
        how: 'a private window has no IndexedDB',
        launch: launch({
          'browser.privatebrowsing.autostart': true,
          'dom.indexedDB.privateBrowsing.enabled': false,
        }),
        kind: 'denied',
      },
    ],
  })
})
