// Webpack as it comes, but that nothing is minified, which would be most of the time, and no word is said of the size of that.
import { resolve } from 'node:path'

const common = { mode: 'production', optimization: { minimize: false }, performance: { hints: false } }
const path = resolve('dist')

export default [
  { ...common, entry: { page: './src/page.js' }, output: { path, filename: '[name].js' } },
  { ...common, target: 'node', entry: { node: './src/node.js' }, output: { path, filename: '[name].cjs' } },
  {
    ...common,
    target: 'node',
    entry: { node: './src/node.js' },
    experiments: { outputModule: true },
    output: { path, filename: '[name].mjs', chunkFilename: '[name].mjs', module: true, library: { type: 'module' } },
  },
]
