// Tells that units may have changed: what systemd tells, and what is done to unit files behind its back. Over a connection of its own,
// since its end says that nothing is told any more.
import type { Watch, Watcher } from '../../plugin.js'
import type { Bus, BusSignal } from './bus.js'
import { isOurs } from './names.js'
import { MANAGER_SIGNALS, nameOfPath, OWNER_SIGNALS, Systemd, UNIT_SIGNALS } from './systemd1.js'
import { UnitFolders } from './unit-folders.js'

/** Jobs that begin, the end of booting, and what the daemon tells of our own name change no state. */
const NOTHING = new Set(['JobNew', 'StartupFinished', 'NameAcquired', 'NameLost'])

/** Owns `bus`: closes it on failure and with the returned watch. */
export async function watchUnits(bus: Bus, watcher: Watcher, signal: AbortSignal): Promise<Watch> {
  try {
    const systemd = new Systemd(bus, signal)
    await bus.listen(
      [MANAGER_SIGNALS, UNIT_SIGNALS, OWNER_SIGNALS],
      told => {
        // systemd went or came anew: whom it told signals, it has forgotten.
        if (told.member === 'NameOwnerChanged') bus.fail('systemd left the bus')
        else if (concernsUnits(told)) watcher.changed()
      },
      signal,
    )
    const [folders] = await Promise.all([systemd.unitFolders(), systemd.subscribe()])
    const files = new UnitFolders(
      Array.isArray(folders) ? folders.map(String) : [],
      () => watcher.changed(),
      error => bus.fail(`its unit files can be watched no more: ${error.message}`),
    )
    bus.onLost(why => {
      files.close()
      watcher.lost(why)
    })
    return {
      close() {
        files.close()
        bus.close()
      },
    }
  } catch (error) {
    bus.close()
    throw error
  }
}

function concernsUnits({ member, path, body }: BusSignal): boolean {
  if (member === 'PropertiesChanged') return isOurs(nameOfPath(path))
  if (member === 'UnitNew' || member === 'UnitRemoved') return isOurs(String(body[0]))
  // UnitFilesChanged, Reloading, JobRemoved, and what later versions tell.
  return !NOTHING.has(member)
}
