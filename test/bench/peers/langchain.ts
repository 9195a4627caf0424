// LangChain's cache in front of an embedder: a JSON file for each vector. Its packages are installed when they are first asked for.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ownFolder } from './own-packages.js'

/** As LangChain hands vectors around. */
type Vectors = number[][]

export interface LangChainPeer {
  /** A cache over its files in `folder`, with nothing in memory. */
  open(folder: string, embedDocuments: (texts: string[]) => Promise<Vectors>): Promise<Embeddings>
}

interface Embeddings {
  embedDocuments(texts: string[]): Promise<Vectors>
}

interface CacheBacked {
  CacheBackedEmbeddings: {
    fromBytesStore(under: Embeddings, store: unknown, options: { namespace: string }): Embeddings
  }
}

interface FileSystem {
  LocalFileStore: { fromPath(folder: string): Promise<unknown> }
}

/** @throws Skipped where npm cannot install it */
export async function loadLangChain(): Promise<LangChainPeer> {
  const { resolve } = createRequire(join(ownFolder('bench-peers', 'LangChain'), 'package.json'))
  const load = (part: string) => import(pathToFileURL(resolve(`@langchain/classic/${part}`)).href)
  const { CacheBackedEmbeddings } = (await load('embeddings/cache_backed')) as CacheBacked
  const { LocalFileStore } = (await load('storage/file_system')) as FileSystem
  return {
    async open(folder, embedDocuments) {
      const store = await LocalFileStore.fromPath(folder)
      return CacheBackedEmbeddings.fromBytesStore({ embedDocuments }, store, { namespace: 'bench' })
    },
  }
}
