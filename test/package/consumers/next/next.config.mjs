// Next as it comes, but that two builds of it lie side by side, in a project that lies in another one, and that it writes down nothing for
// a next build, of which there is none.
const root = import.meta.dirname

export default {
  distDir: process.env.DIST_DIR,
  turbopack: { root },
  outputFileTracingRoot: root,
  experimental: { turbopackFileSystemCacheForBuild: false },
}
