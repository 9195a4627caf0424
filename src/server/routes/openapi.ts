// The OpenAPI document of the daemon, at `/api/openapi.json`. Registered before all other routes: it hears of each as it is added.
import type { App, ServerContext } from '../context.js'
import { apiSchemas } from '../schemas.js'

const THIS = {
  summary: 'This document',
  response: { 200: { description: 'OpenAPI 3.1', type: 'object', additionalProperties: true } },
} as const

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
        { name: 'OpenAI', description: 'Embeddings, as that API has them.' },
        { name: 'text-embeddings-inference', description: 'Embeddings, as that server has them.' },
        { name: 'Ollama', description: 'Embeddings, as that server has them.' },
        { name: 'api', description: 'What the console and the command line ask.' },
        { name: 'daemon', description: 'For who runs it.' },
      ],
    },
    refResolver: {
      buildLocalReference: ({ $id }, _base, _fragment, index) => ($id as string | undefined) ?? `def-${index}`,
    },
    transform: ({ schema, url, route: { config } }) => {
      const { access, counted = url } = config ?? {}
      const tags = schema?.tags ?? [url.startsWith('/api/') || url === '/events' ? 'api' : 'daemon']
      return { url: counted, schema: { ...schema, tags, ...(access !== 'open' && { security: [{ token: [] }] }) } }
    },
    transformObject: parts => {
      const whole = 'openapiObject' in parts ? parts.openapiObject : {}
      for (const [path, operations = {}] of Object.entries(whole.paths ?? {})) {
        // Whoever answers HEAD answers GET: an operation of its own would say the same again.
        delete operations.head
        for (const [method, operation] of Object.entries(operations))
          Object.assign(operation, { operationId: operationOf(method, path) })
      }
      return whole
    },
  })
  app.get('/api/openapi.json', { config: { access: 'read' }, schema: THIS }, () => app.swagger())
}

/** `getApiBlocksWhichProof` of `GET /api/blocks/:which/proof`. */
function operationOf(method: string, url: string): string {
  const words = url.split(/[^A-Za-z0-9]+/).filter(word => word !== '')
  return method + words.map(word => word[0]!.toUpperCase() + word.slice(1)).join('')
}
