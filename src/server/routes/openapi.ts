// The OpenAPI document of the daemon, at `/api/openapi.json`. Registered before all other routes: it hears of each as it is added.
import type { App, ServerContext } from '../context.js'
import { ENDPOINTS } from '../endpoint-docs.js'
import { apiSchemas } from '../schemas.js'

export async function openapiRoutes(app: App, { version }: Pick<ServerContext, 'version'>): Promise<void> {
  // The build makes a file of its own only of what is imported dynamically.
  const { swagger, Type } = await import('../http.js')
  for (const [name, schema] of Object.entries(apiSchemas(Type))) app.addSchema({ ...schema, $id: name })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'op-dbus',
        version,
        description:
          'Embeddings from a cache, and what the daemon holds. Where reading or changing takes a token, it is sent as a bearer token.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      tags: [
        { name: 'embeddings', description: 'As other servers of embeddings have it.' },
        { name: 'api', description: 'What the console and the command line ask.' },
        { name: 'daemon', description: 'For who runs it.' },
      ],
    },
    refResolver: {
      buildLocalReference: ({ $id }, _base, _fragment, index) => ($id as string | undefined) ?? `def-${index}`,
    },
    transform: ({ schema, url, route }) => {
      const own = { ...ENDPOINTS[url], ...schema }
      const access = route.config?.access
      const tags = [ENDPOINTS[url]?.tag ?? (url.startsWith('/api/') || url === '/events' ? 'api' : 'daemon')]
      const { tag: _, ...documented } = own as Record<string, unknown>
      return {
        url,
        schema: {
          ...documented,
          tags,
          // Of a route with several methods each would have the same.
          ...(typeof route.method === 'string' && { operationId: operationOf(route.method, url) }),
          ...(access !== 'open' && { security: [{ token: [] }] }),
          ...(url.startsWith('/api/') || ENDPOINTS[url] ? {} : { hide: schema?.hide ?? !DAEMON.includes(url) }),
        },
      }
    },
  })
  app.get('/api/openapi.json', { config: { access: 'read' }, schema: { summary: 'This document' } }, () =>
    app.swagger(),
  )
}

/** What of the rest is told: pages of the console are no part of an interface. */
const DAEMON = ['/events', '/metrics', '/healthz', '/readyz']

/** `getApiBlocksWhichProof` of `GET /api/blocks/:which/proof`. */
function operationOf(method: string, url: string): string {
  const words = url.split(/[^A-Za-z0-9]+/).filter(word => word !== '')
  return method.toLowerCase() + words.map(word => word[0]!.toUpperCase() + word.slice(1)).join('')
}
