// Where snapshots lie: a bucket of S3 or a folder, as a command line names them, and what lies there. Part of the Node root.
import { resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { invalid, OpDbusError } from '../../errors.js'
import { isWithin } from '../../fs/folders.js'
import type { CallOptions, ObjectStore } from '../../ports.js'
import { openObjectFolder } from '../../stores/object-folder.js'
import { openS3 } from '../../stores/s3.js'
import { type Manifest, MOST_MANIFEST_BYTES, manifestObject, readManifest, readObjectName } from './manifest.js'

type Environment = Readonly<Record<string, string | undefined>>

export interface TargetOptions {
  /** Plain http to an S3 service that is not on this machine. Default false. */
  readonly allowHttp?: boolean | undefined
  /** A folder that the target must not lie in. */
  readonly notIn?: string | undefined
}

/**
 * `s3://bucket/prefix`, with the credentials, the region and the service's address that the AWS_* variables name; else a folder. Opens
 * nothing yet.
 * @throws OpDbusError INVALID_INPUT
 */
export function openTarget(
  target: string,
  { allowHttp, notIn }: TargetOptions,
  env: Environment = process.env,
): ObjectStore {
  if (target === '' || target.includes('\0')) throw invalid('a target is s3://bucket/prefix or a folder')
  const [, scheme, slashes] = /^([a-z][a-z0-9+.-]+):(\/*)/i.exec(target) ?? []
  if (scheme === undefined) {
    if (notIn !== undefined && isWithin(target, notIn))
      throw invalid(`${resolve(target)} lies in the cache folder, which a snapshot is to outlive: take another target`)
    return openObjectFolder(resolve(target))
  }
  if (scheme !== 's3' || slashes !== '//') {
    const folder = `a folder of such a name is ${JSON.stringify(`./${target.slice(0, 100)}`)}`
    throw invalid(`a target is s3://bucket/prefix or a folder, and not ${scheme}:${slashes}; ${folder}`)
  }
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]*)(?:\/(.*))?$/.exec(target) ?? []
  return openS3({
    bucket,
    prefix: prefix.replace(/\/+$/, ''),
    endpoint: env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || undefined,
    region: env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1',
    credentials: credentialsOf(env),
    allowHttp,
    io: { sleep: (ms, signal) => wait(ms, undefined, { signal }), random: Math.random },
  })
}

function credentialsOf(env: Environment) {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env
  if (!accessKeyId || !secretAccessKey) {
    throw invalid(
      'S3 takes credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN where there is one\n(a profile is put into them by: eval "$(aws configure export-credentials --format env)")',
    )
  }
  // Whatever else could not be sent in a header, and would be told by whoever tries.
  if (/[^\x21-\x7e]/.test(`${accessKeyId}${secretAccessKey}${sessionToken ?? ''}`)) {
    throw invalid('the AWS credentials hold characters that none have')
  }
  return { accessKeyId, secretAccessKey, sessionToken: sessionToken || undefined }
}

/** What lies in a target of one space. */
export interface Inventory {
  /** Bytes of each segment, by its SHA-256. */
  readonly segments: Map<string, number>
  /** The number of the newest snapshot; 0: none. */
  newest: number
}

/** What is ours in a target, by space. */
export async function inventoryOf(store: ObjectStore, call: CallOptions): Promise<Map<string, Inventory>> {
  const spaces = new Map<string, Inventory>()
  for await (const { name, bytes } of store.list(call)) {
    const object = readObjectName(name)
    if (object === undefined) continue
    const { space, sha256, snapshot } = object
    const inventory = spaces.get(space) ?? { segments: new Map<string, number>(), newest: 0 }
    spaces.set(space, inventory)
    if (sha256 !== undefined) inventory.segments.set(sha256, bytes)
    else inventory.newest = Math.max(inventory.newest, snapshot!)
  }
  return spaces
}

/** @throws OpDbusError STORE as {@link readManifest} does, and what the medium says */
export async function fetchManifest(
  store: ObjectStore,
  space: string,
  number: number,
  call: CallOptions,
): Promise<Manifest> {
  const name = manifestObject(space, number)
  const at = `${store.at}/${name}`
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of store.read(name, call)) {
    bytes += piece.length
    if (bytes > MOST_MANIFEST_BYTES) {
      throw new OpDbusError(
        'STORE',
        `the snapshot ${at} is refused: its manifest is over ${MOST_MANIFEST_BYTES} bytes`,
        {
          details: { why: 'damaged', at },
        },
      )
    }
    pieces.push(piece)
  }
  return readManifest(Buffer.concat(pieces).toString('utf8'), space, at)
}

/** The one of `spaces` that `wanted` is the beginning of; all where it is undefined. @throws OpDbusError INVALID_INPUT */
export function chosenSpaces(spaces: readonly string[], wanted: string | undefined, where: string): readonly string[] {
  if (wanted === undefined) return spaces
  const found = /^[0-9a-f]{4,32}$/.test(wanted) ? spaces.filter(space => space.startsWith(wanted)) : []
  if (found.length === 1) return found
  const there =
    spaces.length === 0 ? 'there is none' : `there are: ${spaces.map(space => space.slice(0, 8)).join(', ')}`
  const what = found.length > 1 ? `${found.length} spaces begin with` : 'no space begins with'
  throw invalid(`${what} ${JSON.stringify(wanted.slice(0, 40))} in ${where}; ${there}`)
}
