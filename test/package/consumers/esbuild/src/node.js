import { openCaches } from 'op-dbus'

async function main() {
  const caches = await openCaches({ device: 'cpu' })
  const { vector, source, device } = await caches.embeddings.getOrEmbed('Created container 100')
  await caches.close()
  console.log(JSON.stringify({ vector: [...vector], source, device }))
}

main().catch(error => {
  console.log(JSON.stringify({ code: error.code, message: error.message }))
})
