import { openCaches } from 'op-dbus'

const caches = await openCaches({ device: 'cpu' })

export async function GET(request) {
  const text = new URL(request.url).searchParams.get('text')
  const { vector, source, device } = await caches.embeddings.getOrEmbed(text)
  return Response.json({ vector: [...vector], source, device })
}
