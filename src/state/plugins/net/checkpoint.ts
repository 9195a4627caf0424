// The raw rows of what an apply is about to change: all configuration, also what a state does not say (mirrors, QoS, a controller's
// limits). What is deleted can so be made again as it was, its uuid aside.
//
// Saved as well: rows that stay and name rows that go (a mirror of a port), and rows that would hold them (a collector of samples).
import type { JsonObject, JsonValue } from '../../../json/json.js'
import type { StateAction } from '../../plugin.js'
import type { OvsdbClient } from './client.js'
import { isColumns, type Row, uuidOf } from './rows.js'

/** Rows by uuid. Columns that hold what a new row holds anyway are left out. */
export type SavedRows = Readonly<Record<string, { readonly table: string; readonly row: JsonObject }>>

interface Schema {
  readonly tables: Readonly<
    Record<string, { readonly isRoot?: boolean; readonly columns: Readonly<Record<string, Column>> }>
  >
}
interface Column {
  readonly ephemeral?: boolean
  readonly type: string | { readonly key: Base; readonly value?: Base }
}
type Base = string | { readonly refTable?: string; readonly refType?: string }

/** Told by daemons, though the schema does not call it ephemeral. */
const STATUS = new Set([
  'bond_active_slave',
  'datapath_version',
  'error',
  'ofport',
  'cfm_flap_count',
  'statistics',
  'status',
])
/** What actions speak of. */
const OWN_TABLES = ['Bridge', 'Port', 'Interface']
/** Rows whose columns name a bridge, or its ports, and are lost with those. */
const NAMING_TABLES: Readonly<Record<string, readonly string[]>> = {
  Flow_Sample_Collector_Set: ['bridge'],
  Mirror: ['select_src_port', 'select_dst_port', 'output_port'],
}
/** What a bridge that goes takes along, or leaves behind where others point to it as well. */
const SAVED_TABLES = [
  ...OWN_TABLES,
  'Controller',
  'Mirror',
  'NetFlow',
  'sFlow',
  'IPFIX',
  'Flow_Table',
  'AutoAttach',
  'QoS',
  'Queue',
  'Flow_Sample_Collector_Set',
]

/** @throws OpDbusError PLUGIN_FAILED */
export async function saveRows(
  client: OvsdbClient,
  actions: readonly StateAction[],
  signal: AbortSignal,
): Promise<SavedRows> {
  const schema = (await client.call('get_schema', ['Open_vSwitch'], signal)) as unknown as Schema
  const tables = SAVED_TABLES.filter(table => table in schema.tables)
  const selects = tables.map(table => ({
    op: 'select',
    table,
    where: [],
    columns: ['_uuid', ...configuration(schema, table)],
  }))
  const answers = await client.read(selects, signal)
  const rows = new Map<string, { table: string; row: Row }>()
  answers.forEach((answer, i) => {
    for (const row of answer) rows.set(uuidOf(row), { table: tables[i] as string, row })
  })
  const names = new Set(
    actions.filter(({ resource }) => resource.collection === 'interfaces').map(({ resource }) => resource.name),
  )
  const saved: Record<string, SavedRows[string]> = {}
  const collect = (uuid: string) => {
    const found = rows.get(uuid)
    if (!found || uuid in saved) return
    const { table, row } = found
    const values = Object.entries(row).filter(([column, value]) => column !== '_uuid' && !isDefault(value))
    saved[uuid] = { table, row: Object.fromEntries(values) }
    for (const [, value] of values) for (const reference of references(value)) collect(reference)
  }
  for (const [uuid, { table, row }] of rows) {
    if (OWN_TABLES.includes(table) && names.has(String(row.name))) collect(uuid)
  }
  for (const [uuid, { table, row }] of rows) {
    const named = (NAMING_TABLES[table] ?? []).flatMap(column => references(row[column] ?? ''))
    if (named.some(each => each in saved)) collect(uuid)
  }
  return saved
}

/** What a checkpoint brought back; what is none of that (the file was damaged) is nothing. */
export function savedRowsIn(extra: JsonValue | undefined): SavedRows {
  if (typeof extra !== 'object' || extra === null || Array.isArray(extra)) return {}
  const entries = Object.entries(extra as unknown as SavedRows)
  return Object.fromEntries(entries.filter(([, entry]) => SAVED_TABLES.includes(entry?.table) && isColumns(entry.row)))
}

/** Which of the rows that may have outlived their bridge or port are still there: those are pointed to, not made again. */
export async function existingOf(
  client: OvsdbClient,
  saved: SavedRows,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const shared = Object.entries(saved).filter(([, { table }]) => !OWN_TABLES.includes(table))
  if (shared.length === 0) return new Set()
  const selects = shared.map(([uuid, { table }]) => {
    return { op: 'select', table, where: [['_uuid', '==', ['uuid', uuid]]], columns: ['_uuid'] }
  })
  const answers = await client.read(selects, signal)
  return new Set(answers.flatMap(answer => answer.map(uuidOf)))
}

function configuration(schema: Schema, table: string): string[] {
  const columns = Object.entries(schema.tables[table]?.columns ?? {})
  return columns.filter(([name, { ephemeral }]) => !ephemeral && !STATUS.has(name)).map(([name]) => name)
}

/** The uuids in a value. */
export function references(value: JsonValue): string[] {
  if (!Array.isArray(value)) return []
  if (value[0] === 'uuid') return [String(value[1])]
  if (value[0] === 'set') return (value[1] as JsonValue[]).flatMap(references)
  if (value[0] === 'map') return (value[1] as [JsonValue, JsonValue][]).flatMap(pair => pair.flatMap(references))
  return []
}

function isDefault(value: JsonValue): boolean {
  if (!Array.isArray(value)) return value === '' || value === 0 || value === false
  return value[0] !== 'uuid' && (value[1] as JsonValue[]).length === 0
}
