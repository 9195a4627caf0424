// What the harness's own test loads into a page.

/** What the page sees of an argument, so that the test knows what crosses. */
export function describeBytes(bytes: Uint8Array): string {
  return `${bytes.constructor.name} ${[...bytes].join(' ')}`
}

export function bytesBack(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i)
}

export function isolated(): boolean {
  return crossOriginIsolated && isSecureContext
}

export async function fetchText(path: string): Promise<string> {
  try {
    const response = await fetch(path)
    return `${response.status} ${response.headers.get('content-type')} ${await response.text()}`
  } catch (error) {
    return `failed: ${(error as Error).name}`
  }
}

export function throwLater(): void {
  setTimeout(() => {
    throw new Error('nobody catches this')
  })
}
