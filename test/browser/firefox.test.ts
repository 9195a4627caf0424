// The web root and the playground in Firefox.
import { inject } from 'vitest'
import { launchFirefox } from './engines/firefox.js'
import { engineSuite } from './engines/suite.js'

engineSuite('Firefox', inject('engines').firefox, path => ({
  launch: () => launchFirefox(path),
  denied: [
    {
      how: 'the visitor forbids sites to store anything ("block all cookies")',
      launch: () => launchFirefox(path, { 'network.cookie.cookieBehavior': 2 }),
      kind: 'denied',
      keepsNoFiles: true,
    },
    {
      how: 'a private window has no IndexedDB',
      launch: () =>
        launchFirefox(path, {
          'browser.privatebrowsing.autostart': true,
          'dom.indexedDB.privateBrowsing.enabled': false,
        }),
      kind: 'denied',
    },
  ],
}))
