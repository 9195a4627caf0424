// `op-dbus doctor`: what runs here, what does not, and why.
import { type Diagnosis, diagnose } from '../../node-doctor.js'
import { duration, table } from '../render.js'
import { settingsOf, type Values } from '../settings.js'
import type { Terminal } from '../terminal.js'

export async function doctor(values: Values, _args: readonly string[], terminal: Terminal): Promise<number> {
  terminal.status('opening the model on each device ...')
  const found = await diagnose(settingsOf(values, terminal))
  terminal.status('')
  await terminal.out(values.json ? `${JSON.stringify(found, undefined, 2)}\n` : text(found))
  if (found.model.error !== undefined) return 3
  return found.devices.some(device => device.works) ? 0 : 4
}

function text({ versions, devices, model, folders }: Diagnosis): string {
  const fields = (record: Readonly<Record<string, unknown>>) =>
    table(Object.entries(record).map(([name, value]) => [`  ${name}`, String(value)]))
  const deviceRows = devices.map(({ device, works, reason, ms, cosine }) => [
    `  ${device}`,
    works ? 'works' : 'does not work',
    ms === undefined ? '' : duration(ms),
    cosine === undefined ? '' : `cosine ${cosine.toFixed(6)}`,
    (reason ?? '').split('\n')[0]!,
  ])
  const folderRows = folders.map(({ what, path, note }) => [`  ${what}`, path, note])
  return [
    'Versions',
    fields(versions),
    'Devices (opened one by one; the time is of one short text with the model open)',
    table(deviceRows),
    'Model',
    model.error === undefined ? fields(model.description ?? {}) : `  ${model.error.split('\n').join('\n  ')}\n`,
    'Folders',
    table(folderRows),
  ].join('\n')
}
