// The library as its users get it: built, imported by its name. Only its types come from the source.
import type * as Library from '../../src/node.js'

// Not a literal, so that neither compiler nor bundler follows it to the source.
const NAME: string = 'op-dbus'

export const { openCaches } = (await import(NAME)) as typeof Library

const entry = new URL(import.meta.resolve(NAME))

/** The folder of the package: what is run in it may import the library by its name. */
export const PACKAGE_DIR = new URL('..', entry)
export const BUILTIN_MODEL_DIR = new URL('models/builtin', entry)
