// Which of the daemon's models a space is of, and what lies on disk of each. Clears nothing.
import { OpDbusError } from '../errors.js'
import { listSpaces, spaceId } from '../node/spaces.js'
import type { SpaceInfo } from './api.js'
import type { ServerContext } from './context.js'
import type { Models, ServedModel } from './models.js'

/**
 * The model whose vectors are of `space`, as `spaceId` says it. One that is not open is looked at only where its files are here: a request
 * never has a model fetched.
 * @throws OpDbusError CONFLICT where none serves
 */
export async function modelOfSpace({ all }: Models, space: string, signal: AbortSignal): Promise<ServedModel> {
  if (typeof space !== 'string') throw new OpDbusError('INVALID_INPUT', 'a space is a text')
  for (const opened of [true, false]) {
    for (const model of all) {
      const { embeddings } = model.caches
      if (embeddings.opened !== opened || !(opened || (await model.isHere()))) continue
      const computing = await embeddings.computing({ signal }).catch(() => undefined)
      if (computing !== undefined && spaceId(computing.space) === space) return model
    }
  }
  throw new OpDbusError('CONFLICT', 'no model of that space serves here: it is another model, or is set otherwise')
}

export async function spacesOf({ caches, models }: ServerContext): Promise<readonly SpaceInfo[]> {
  if (caches.dir === undefined) return []
  const opened = models.all.filter(model => model.caches.embeddings.opened)
  const used = await Promise.all(
    opened.map(async ({ name, caches }) => ({ name, id: spaceId((await caches.embeddings.computing()).space) })),
  )
  const users = (space: string) => used.flatMap(({ name, id }) => (id === space ? [name] : []))
  return (await listSpaces(caches.dir)).map(space => ({ ...space, usedBy: users(space.space) }))
}
