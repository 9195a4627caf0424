// What lies on disk by space, and how caches are emptied: `/api/spaces`, `/api/cache/clear`.
import { invalid } from '../../errors.js'
import { clearSpace, spaceId } from '../../node/spaces.js'
import type { CacheName } from '../../ports.js'
import type { Stats } from '../../public.js'
import type { ClearCall, ClearReport } from '../api.js'
import type { Routes, ServerContext } from '../context.js'
import { CACHES } from '../schemas/parts.js'
import { AS_JSON, described } from '../schemas.js'
import { spacesOf } from '../spaces.js'

type Gone = ClearReport['gone']

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
  const caches = space === undefined ? (call.caches ?? CACHES) : (['embeddings'] as const)
  const gone =
    space === undefined ? await clearCaches(context, caches, shared, preview) : await clearOne(context, space, preview)
  const sharedStays = !shared && caches.includes('embeddings') && hasShared(context)
  return { gone, preview, sharedStays }
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
  if (shared === true && caches !== undefined && !caches.includes('embeddings'))
    throw invalid('only embeddings are shared: name them as well, or leave shared out')
  for (const flag of [shared, preview]) {
    if (flag !== undefined && typeof flag !== 'boolean') throw invalid('shared and preview are true or false')
  }
  if (Object.keys(rest).length > 0) throw invalid('there is caches, space, shared and preview')
}

async function clearOne(context: ServerContext, space: string, preview: boolean): Promise<Gone> {
  const { dir } = context.caches
  const found = (await spacesOf(context)).find(one => one.space === space)
  if (dir === undefined || found === undefined) {
    throw invalid('no such space is on disk: it was cleared, or never there; list them again')
  }
  const held = (await inMemory(context)).filter(one => one.space === space)
  const { entries, bytes } = preview ? found : await clearSpace(dir, space)
  return [{ cache: 'embeddings', tier: 'disk', space, entries, bytes }, ...held]
}

async function clearCaches(
  context: ServerContext,
  names: readonly CacheName[],
  shared: boolean,
  preview: boolean,
): Promise<Gone> {
  const { caches, models } = context
  const gone = await sizes(context, names, shared)
  if (!preview) {
    await caches.clear({ ...Object.fromEntries(names.map(name => [name, true])), shared })
    const others = names.includes('embeddings') ? models.all.filter(model => model.caches !== caches) : []
    for (const model of others) await model.caches.embeddings.clear({ shared })
  }
  return gone
}

/** What the tiers hold of the caches `names`: in memory, on disk and, where it goes as well, what is shared. */
async function sizes(context: ServerContext, names: readonly CacheName[], shared: boolean): Promise<Gone> {
  const stats = await context.caches.stats()
  const all = await Promise.all(
    names.map(async (cache): Promise<Gone> => {
      const { onDisk, memory } = stats[cache]
      if (cache !== 'embeddings') {
        const held = { cache, tier: 'memory', entries: memory.size, bytes: memory.bytes } as const
        return onDisk ? [{ cache, tier: 'disk', ...onDisk }, held] : [held]
      }
      const spaces = await spacesOf(context)
      return [
        ...spaces.map(({ space, entries, bytes }) => ({ cache, tier: 'disk', space, entries, bytes }) as const),
        ...(await inMemory(context)),
        ...(shared && hasShared(context) ? [inShared(stats)] : []),
      ]
    }),
  )
  return all.flat()
}

/** Embeddings in memory, of each model that is open. */
async function inMemory({ models }: ServerContext): Promise<Gone> {
  const opened = models.all.filter(model => model.caches.embeddings.opened)
  return Promise.all(
    opened.map(async ({ caches: { embeddings } }) => {
      const [{ memory }, { space }] = await Promise.all([embeddings.stats(), embeddings.computing()])
      const { size: entries, bytes } = memory
      return { cache: 'embeddings', tier: 'memory', space: spaceId(space), entries, bytes } as const
    }),
  )
}

function inShared({ embeddings: { shared } }: Stats): Gone[number] {
  const known = shared && { entries: shared.size, bytes: shared.bytes }
  return { cache: 'embeddings', tier: 'shared', ...known }
}

function hasShared({ caches }: ServerContext): boolean {
  return caches.embeddings.shares
}
