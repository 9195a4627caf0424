// What `op-dbus doctor` says of itself.
import { command } from '../command.js'
import { flagsOf } from '../flags.js'

const { device, ...flags } = flagsOf('cache', 'model', 'device')

export const doctor = command({
  name: 'doctor',
  about: 'which devices work and why not, the model, folders',
  options: {
    json: { help: 'The findings as JSON.' },
    ...flags,
    device: {
      ...device!,
      help: `What to try: all, or one of ${(device!.completes as string[]).join(', ')}.`,
      default: 'all',
      completes: ['all', ...(device!.completes as string[])],
    },
  },
  examples: ['op-dbus doctor', 'op-dbus doctor --device cuda --model high'],
  exitCodes: [3, 4],
  run: async call => (await import('../run/doctor.js')).doctor(call),
})
