// What lies on disk by space, and how caches are emptied: `/api/spaces`, `/api/cache/clear`.
import { invalid } from '../../errors.js'
import { clearSpace } from '../../node/spaces.js'
import type { CacheName } from '../../ports.js'
import type { ClearCall, ClearReport } from '../api.js'
import type { Routes, ServerContext } from '../context.js'
import { CACHES } from '../schemas/parts.js'
import { AS_JSON, described } from '../schemas.js'
import { spacesOf } from '../spaces.js'

export const clearRoutes: Routes = (app, context) => {
  app.get(
    '/api/spaces',
    {
      ...AS_JSON,
      config: { access: 'read' },
      schema: described('Embeddings on disk, by space', { list: 'SpaceInfo' }),
    },
    () => spacesOf(context),
  )
  app.post<{ Body: ClearCall }>(
    '/api/cache/clear',
    {
      ...AS_JSON,
      config: { access: 'write' },
      schema: described('Empties caches, or says what would go', { body: 'ClearCall', answer: 'ClearReport' }),
    },
    request => clear(context, request.body),
  )
}

async function clear(context: ServerContext, call: ClearCall): Promise<ClearReport> {
  check(call)
  const { space, shared = false, preview = false } = call
  return space === undefined
    ? clearCaches(context, call.caches ?? CACHES, shared, preview)
    : clearOne(context, space, preview)
}

/** Looked at again, whatever the validator let through: what is misread here clears what nobody meant. */
function check({ caches, space, shared, preview, ...rest }: ClearCall): void {
  if (
    caches !== undefined &&
    !(Array.isArray(caches) && caches.length > 0 && caches.every(name => CACHES.includes(name)))
  ) {
    throw invalid(`caches is a list of ${CACHES.join(', ')}`)
  }
  if (space !== undefined && typeof space !== 'string') throw invalid('space is what /api/spaces lists')
  if (space !== undefined && (caches !== undefined || shared))
    throw invalid('a space is cleared by itself, on this machine')
  for (const flag of [shared, preview]) {
    if (flag !== undefined && typeof flag !== 'boolean') throw invalid('shared and preview are true or false')
  }
  if (Object.keys(rest).length > 0) throw invalid('there is caches, space, shared and preview')
}

async function clearOne(context: ServerContext, space: string, preview: boolean): Promise<ClearReport> {
  const { dir } = context.caches
  const found = (await spacesOf(context)).find(one => one.space === space)
  if (dir === undefined || found === undefined) {
    throw invalid('no such space is on disk: it was cleared, or never there; list them again')
  }
  const { entries, bytes } = preview ? found : await clearSpace(dir, space)
  return { gone: [{ cache: 'embeddings', space, entries, bytes }], preview }
}

async function clearCaches(
  context: ServerContext,
  names: readonly CacheName[],
  shared: boolean,
  preview: boolean,
): Promise<ClearReport> {
  const { caches, models } = context
  const gone = await sizes(context, names)
  if (!preview) {
    await caches.clear({ ...Object.fromEntries(names.map(name => [name, true])), shared })
    const others = names.includes('embeddings') ? models.all.filter(model => model.caches !== caches) : []
    for (const model of others) await model.caches.embeddings.clear({ shared })
  }
  return { gone, preview }
}

/** On disk; in memory where a cache has no disk. */
async function sizes(context: ServerContext, names: readonly CacheName[]): Promise<ClearReport['gone']> {
  const stats = await context.caches.stats()
  const all = await Promise.all(
    names.map(async (cache): Promise<ClearReport['gone']> => {
      const { onDisk, memory } = stats[cache]
      if (onDisk === undefined) return [{ cache, entries: memory.size, bytes: memory.bytes }]
      if (cache !== 'embeddings') return [{ cache, ...onDisk }]
      const spaces = await spacesOf(context)
      return spaces.map(({ space, entries, bytes }) => ({ cache, space, entries, bytes }))
    }),
  )
  return all.flat()
}
