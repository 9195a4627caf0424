// Compiles with the TypeScript of a project as `tsc` would, several command lines one after the other. What they have in common, which
// are the libraries of TypeScript and the types of Node, is read once, and not itself checked. Run as `node compile.mjs FOLDER`, in it,
// with the command lines as JSON on stdin; what each would print comes out as JSON.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const ts = createRequire(join(process.argv[2], 'package.json'))('typescript')
const libraries = new Map()
const isLibrary = path => /\/node_modules\/(typescript|@types|undici-types)\//.test(path)

function compile(args) {
  const { options, fileNames, errors } = ts.parseCommandLine(args)
  const host = ts.createCompilerHost(options)
  const read = host.getSourceFile
  host.getSourceFile = (path, how, ...rest) => {
    if (!isLibrary(path)) return read(path, how, ...rest)
    const key = JSON.stringify([path, how])
    if (!libraries.has(key)) libraries.set(key, read(path, how, ...rest))
    return libraries.get(key)
  }
  const program = ts.createProgram(fileNames, options, host)
  const checked = program.getSourceFiles().filter(file => !isLibrary(file.fileName))
  const found = [
    ...errors,
    ...program.getOptionsDiagnostics(),
    ...program.getSyntacticDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...checked.flatMap(file => program.getSemanticDiagnostics(file)),
  ]
  return ts.formatDiagnostics(ts.sortAndDeduplicateDiagnostics(found), host)
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(compile)))
