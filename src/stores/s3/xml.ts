// The little of S3's XML that is read: a page of a list, and the code of an error. Asks nobody.

export interface ListPage {
  readonly objects: readonly { readonly key: string; readonly bytes: number }[]
  /** Where the next page goes on; undefined on the last. */
  readonly next: string | undefined
}

/** A page of ListObjectsV2; undefined where the text is none. */
export function listPage(xml: string): ListPage | undefined {
  if (!/<ListBucketResult[\s>]/.test(xml)) return undefined
  const objects: { key: string; bytes: number }[] = []
  for (const [, entry = ''] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
    const key = tag(entry, 'Key')
    const bytes = Number(tag(entry, 'Size'))
    if (key !== undefined && Number.isSafeInteger(bytes) && bytes >= 0) objects.push({ key, bytes })
  }
  if (tag(xml, 'IsTruncated') !== 'true') return { objects, next: undefined }
  const next = tag(xml, 'NextContinuationToken')
  // There is more, and no way to it.
  return next ? { objects, next } : undefined
}

/** `NoSuchBucket` and its like: letters alone, whatever was sent. */
export function errorCode(xml: string): string | undefined {
  return /<Code>([A-Za-z]{1,60})<\/Code>/.exec(xml)?.[1]
}

function tag(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
  return text?.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));/gi, (_all, decimal, hex, name) => {
    if (name) return ENTITIES[name.toLowerCase()]!
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : ''
  })
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
