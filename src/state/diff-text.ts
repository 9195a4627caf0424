// What differs between a system and what is desired, as text for people: what `op-dbus diff` prints, and the daemon answers. Pure. What comes
// from a system is never printed raw: an interface may be called anything, and must not steer a terminal.
import { oneLine } from '../format.js'
import { type Actions, changesOf, SIGNS, type Sign, signOf } from './diff-words.js'
import type { Change, ResourceName, StateAction } from './plugin.js'

/** How it is shown: with colours or without, and how wide. */
export interface Look {
  readonly color: boolean
  readonly columns: number
}

/** Green, orange, vermilion: apart for colour-blind eyes; the sign says it without them. */
const RGB: Readonly<Record<Sign, string>> = { '+': '0;158;115', '~': '230;159;0', '-': '213;94;0' }
/** Of a resource's name and of a path in it. */
export const NAME_WIDTH = 80

/**
 * Everything that differs, with old and new. '' where nothing does. A plugin that `from` speaks of has its line in any case: where its state is
 * from.
 */
export function differencesText(
  diffs: readonly Actions[],
  look: Look,
  from: Readonly<Record<string, string>> = {},
): string {
  return diffs
    .flatMap(({ plugin, actions }) => {
      const source = from[plugin]
      const lines = actions.map(action => actionText(action, look)).join('')
      if (lines === '' && source === undefined) return []
      const told = source === undefined ? '' : `  ${source}`
      return [`${plugin}${told}${lines === '' ? '  nothing differs' : ''}\n${lines}`]
    })
    .join('\n')
}

/** Each thing that goes along, since nobody named it. */
function takenText({ with: taken = [] }: Extract<StateAction, { kind: 'delete' }>, look: Look): string {
  return taken.map(({ resource }) => `    ${painted('-', `- ${nameOf(resource)}`, look)}  goes with it\n`).join('')
}

function actionText(action: StateAction, look: Look): string {
  if (action.kind === 'none') return ''
  const sign = SIGNS[action.kind]
  const refused = action.refused === undefined ? '' : `    ! refused: ${oneLine(action.refused, 200)}\n`
  const head = `  ${painted(sign, `${sign} ${nameOf(action.resource)}`, look)}\n`
  const changes = changesOf(action)
  const width = Math.min(32, Math.max(0, ...changes.map(({ path }) => pathText(path).length)))
  const taken = action.kind === 'delete' ? takenText(action, look) : ''
  return head + changes.map(change => `    ${changeText(change, width, look)}\n`).join('') + taken + refused
}

/** `~ mtu   1500 -> 9000`; what is new or gone has one value. */
function changeText(change: Change, width: number, look: Look): string {
  const sign = signOf(change)
  const path = pathText(change.path).padEnd(width)
  const room = Math.max(16, look.columns - path.length - 8)
  const [old, now] = [change.old, change.new].map(value => (value === undefined ? undefined : JSON.stringify(value)))
  if (old === undefined || now === undefined)
    return `${painted(sign, sign, look)} ${path}  ${oneLine(old ?? now ?? '', room)}`
  const half = Math.max(8, Math.floor((room - 4) / 2))
  // What one of the two does not need is the other's.
  const forOld = Math.max(half, room - 4 - now.length)
  const forNew = Math.max(half, room - 4 - old.length)
  return `${painted(sign, sign, look)} ${path}  ${oneLine(old, forOld)} -> ${oneLine(now, forNew)}`
}

export function painted(sign: Sign, text: string, { color }: Look): string {
  return color ? `\x1b[38;2;${RGB[sign]}m${text}\x1b[0m` : text
}

/** `interfaces/eth0`; of a resource by itself only the collection. */
export function nameOf({ collection, name }: ResourceName): string {
  return oneLine(name === '' ? collection : `${collection}/${name}`, NAME_WIDTH)
}

/** An RFC 6901 path as people say it: without the first `/`. */
function pathText(path: string): string {
  return oneLine(path.replace(/^\//, '') || '(all)', NAME_WIDTH)
}
