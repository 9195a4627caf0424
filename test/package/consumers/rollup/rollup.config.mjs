// What Rollup needs for anything from npm: its two plugins.
import commonjs from '@rollup/plugin-commonjs'
import { nodeResolve } from '@rollup/plugin-node-resolve'

const named = ending => ({ entryFileNames: `[name].${ending}`, chunkFileNames: `[name]-[hash].${ending}` })

export default [
  { input: 'src/page.js', output: { dir: 'dist' }, plugins: [nodeResolve({ browser: true }), commonjs()] },
  {
    input: 'src/node.js',
    output: [
      { dir: 'dist/esm', ...named('mjs') },
      { dir: 'dist/cjs', format: 'cjs', ...named('cjs') },
    ],
    plugins: [nodeResolve({ exportConditions: ['node'] }), commonjs()],
  },
]
