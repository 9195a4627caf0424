// Runs before each test file: what has to be done after every test. It stands here and not in test/support.ts because files that share
// a process (see vitest.config.ts) share its modules, and a hook of a module would hold for the first of them alone.
import { afterEach } from 'vitest'
import { removeFolders } from './support.js'

afterEach(removeFolders)
