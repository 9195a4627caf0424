import { openCaches } from 'op-dbus'

globalThis.embed = async options => {
  const caches = await openCaches({ device: 'wasm', ...options })
  const { vector, source, device } = await caches.embeddings.getOrEmbed('Created container 100')
  await caches.close()
  return { vector: [...vector], source, device }
}
