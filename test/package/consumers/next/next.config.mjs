// Next as it comes, but that two builds of it lie side by side, that op-dbus is installed in the folder above, and that it writes down
// nothing for a next build, of which there is none.
import { dirname } from 'node:path'

const root = dirname(import.meta.dirname)

export default {
  distDir: process.env.DIST_DIR,
  turbopack: { root },
  outputFileTracingRoot: root,
  experimental: { turbopackFileSystemCacheForBuild: false },
}
