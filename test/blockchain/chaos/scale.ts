// How much of each scenario runs: a few rounds of each kind by default, all that was promised with OP_DBUS_CHAOS=full.

export const FULL = process.env.OP_DBUS_CHAOS === 'full'

/** Another seed, other moments; what failed is told with its seed. */
export const SEED = Number(process.env.OP_DBUS_CHAOS_SEED ?? 14)

export function rounds(few: number, all: number): number {
  return FULL ? all : few
}
