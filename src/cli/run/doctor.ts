// `op-dbus doctor`: what runs here, what does not, and why.

import { significant, table } from '../../format.js'
import { type Diagnosis, diagnose } from '../../node/doctor.js'
import type { CommandCall } from '../command.js'
import type { FlagValues } from '../flags.js'
import { settingsOf } from '../settings.js'

export async function doctor({ values, terminal }: CommandCall<FlagValues>): Promise<number> {
  terminal.status('trying the model on each device ...')
  // `all` wins over the variable, as any flag does.
  const device = values.device === 'all' ? 'auto' : values.device
  const found = await diagnose(settingsOf({ ...values, device }, terminal), { signal: terminal.signal })
  terminal.status('')
  await terminal.out(values.json ? `${JSON.stringify(found, undefined, 2)}\n` : text(found))
  if (found.model.error !== undefined) return 3
  return found.devices.some(device => device.works) ? 0 : 4
}

function text({ versions, devices, serving, model, folders }: Diagnosis): string {
  const fields = (record: Readonly<Record<string, unknown>>) =>
    table(Object.entries(record).map(([name, value]) => [`  ${name}`, String(value)]))
  const rows = devices.map(({ device, works, verified, reason, cosine, textsPerSecond, unpooled }) => [
    `  ${device}`,
    works
      ? 'works'
      : verified
        ? 'refused'
        : device === 'cuda' || device === 'webgpu'
          ? 'not verified here'
          : 'does not work',
    cosine === undefined ? '' : cosine.toFixed(6),
    textsPerSecond === undefined ? '' : significant(textsPerSecond),
    reason ?? (unpooled === undefined ? '' : `slower: it cannot pool, ${unpooled}`),
  ])
  const folderRows = folders.map(({ what, path, note }) => [`  ${what}`, path, note])
  return [
    'Versions',
    fields(versions),
    'Devices (each tried in a process of its own; the CPU against published vectors, where the model has any, others against the CPU)',
    table([['  device', '', 'cosine', 'texts/s', ''], ...rows], [2, 3]),
    `Serving: ${serving ?? 'none'}\n`,
    'Model',
    model.error === undefined ? fields(model.description ?? {}) : `  ${model.error.split('\n').join('\n  ')}\n`,
    'Folders',
    table(folderRows),
  ].join('\n')
}
