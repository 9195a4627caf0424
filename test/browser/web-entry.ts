// What the tests of the web root call in a page: the library behind functions whose arguments and results are plain data.
import { type Caches, isOpDbusError, type OpenOptions, openCaches } from '../../src/web.js'

let caches: Caches | undefined
const warnings: string[] = []
const downloads: { file: string; done: number; total: number }[] = []

export async function open(options: OpenOptions = {}): Promise<void> {
  caches = await openCaches({
    assetsUrl: '/op-dbus/',
    ...options,
    onWarning: message => warnings.push(message),
    onDownload: progress => downloads.push(progress),
  })
}

export interface Told {
  readonly vectors: number[][]
  readonly sources: string[]
  readonly devices: string[]
}

export async function embed(texts: readonly string[]): Promise<Told> {
  const results = await Promise.all(texts.map(text => caches!.embeddings.getOrEmbed(text)))
  return {
    vectors: results.map(({ vector }) => [...vector]),
    sources: results.map(({ source }) => source),
    devices: results.map(({ device }) => device),
  }
}

/** What embedding fails with: code, message and details. */
export async function failure(text: string): Promise<{ code: string; message: string; details: object } | string> {
  try {
    await caches!.embeddings.getOrEmbed(text)
    return 'did not fail'
  } catch (error) {
    return isOpDbusError(error)
      ? { code: error.code, message: error.message, details: error.details }
      : `no OpDbusError: ${String(error)}`
  }
}

export async function stats() {
  return JSON.parse(JSON.stringify(await caches!.stats()))
}

export function told() {
  return { warnings, downloads }
}

export function close(): Promise<void> {
  return caches!.close()
}
