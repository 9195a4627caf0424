// Whether a state has moved since a plan was made of it: pure.
import { canonicalJson } from '../cache/canonical-json.js'
import { stepsOf } from '../json/pointer.js'
import type { Change, StateAction, StatePlugin } from './plugin.js'
import { resourceKey } from './resources.js'

/** The resources for which the plan says something else than what is to be done now. */
export function movedSince(
  plugin: StatePlugin,
  planned: readonly StateAction[],
  now: readonly StateAction[],
): string[] {
  const byKey = (actions: readonly StateAction[]) => new Map(actions.map(one => [resourceKey(one.resource), one]))
  const [before, after] = [byKey(planned), byKey(now)]
  const keys = new Set([...before.keys(), ...after.keys()])
  return [...keys].filter(key => !isAsPlanned(plugin, before.get(key), after.get(key)))
}

/** Of volatile fields only the goal counts, and one that has reached it by itself is no move. */
function isAsPlanned(
  { resources }: StatePlugin,
  planned: StateAction | undefined,
  now: StateAction | undefined,
): boolean {
  if (planned === undefined || now === undefined) return false
  const volatile = resources[now.resource.collection]?.volatile ?? []
  if (volatile.length === 0 || planned.kind !== 'modify') return canonicalJson(planned) === canonicalJson(now)
  if (now.kind !== 'modify' && now.kind !== 'none') return false
  const isVolatile = ({ path }: Change) => volatile.includes(stepsOf(path)?.[0] ?? '')
  const nowChanges = now.kind === 'modify' ? now.changes : []
  const others = (changes: readonly Change[]) => canonicalJson(changes.filter(change => !isVolatile(change)))
  const goals = (changes: readonly Change[]) =>
    changes.filter(isVolatile).map(change => canonicalJson({ path: change.path, new: change.new }))
  const plannedGoals = goals(planned.changes)
  return (
    planned.refused === (now.kind === 'modify' ? now.refused : undefined) &&
    others(planned.changes) === others(nowChanges) &&
    goals(nowChanges).every(goal => plannedGoals.includes(goal))
  )
}
