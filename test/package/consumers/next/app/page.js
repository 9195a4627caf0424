'use client'
import { openCaches } from 'op-dbus'
import { useEffect } from 'react'

async function embed(options) {
  const caches = await openCaches({ device: 'wasm', ...options })
  const { vector, source, device } = await caches.embeddings.getOrEmbed('Created container 100')
  await caches.close()
  return { vector: [...vector], source, device }
}

export default function Page() {
  useEffect(() => {
    globalThis.embed = embed
  }, [])
  return <p>op-dbus</p>
}
