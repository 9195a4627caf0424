// Makes rows again that a checkpoint saved: the columns that a state does not say, and the rows that hang on them. Pure.
import type { JsonObject, JsonValue } from '../../../json/json.js'
import type { SavedRows } from './checkpoint.js'
import type { OvsdbOperation } from './client.js'
import { elements, namedRef, setOf, uuidRef } from './rows.js'

type Reference = readonly ['uuid' | 'named-uuid', string]

/** Columns by which things belong to one another: the goal of the transact says those. */
const OWNERSHIP: Readonly<Record<string, readonly string[]>> = { Bridge: ['ports', 'controller'], Port: ['interfaces'] }

export class Restorer {
  readonly #restored = new Map<string, Reference>()
  #inserts = 0

  /**
   * `existing`: uuids that are there still, and are pointed to as they are. `byName`: by table, where a row of that name is after the
   * transact; such rows are made by the transaction itself.
   */
  constructor(
    readonly saved: SavedRows,
    readonly existing: ReadonlySet<string>,
    readonly byName: Readonly<Record<string, (name: string) => Reference | undefined>>,
    readonly push: (operation: OvsdbOperation) => void,
  ) {}

  /** What a checkpoint saved of the row of this name, as columns of a new one. */
  columns(table: string, name: string): Record<string, JsonValue> {
    const found = Object.values(this.saved).find(entry => entry.table === table && entry.row.name === name)
    return found ? this.#columns(found.row, OWNERSHIP[table] ?? []) : {}
  }

  /** The interfaces that a port had, by name. */
  interfacesOf(port: string): string[] {
    const found = Object.values(this.saved).find(({ table, row }) => table === 'Port' && row.name === port)
    const names = elements(found?.row.interfaces).map(uuid => this.saved[String(uuid)]?.row.name)
    return names.filter(name => typeof name === 'string')
  }

  /** A controller of a bridge, with all that was set of it; the same, where another bridge has kept it. */
  controller(bridge: string, target: string): Reference {
    const owner = Object.values(this.saved).find(({ table, row }) => table === 'Bridge' && row.name === bridge)
    const uuid = elements(owner?.row.controller).find(each => this.saved[String(each)]?.row.target === target)
    if (this.existing.has(String(uuid))) return uuidRef(String(uuid))
    return this.#insert('Controller', { ...this.saved[String(uuid)]?.row, target })
  }

  /** What collects samples of a bridge: it hangs on nothing, and goes with the bridge. */
  insertCollectors(bridge: string): void {
    for (const [uuid, { table, row }] of Object.entries(this.saved)) {
      if (table !== 'Flow_Sample_Collector_Set' || this.existing.has(uuid)) continue
      const [owner] = elements(row.bridge)
      if (this.saved[String(owner)]?.row.name === bridge) this.#insert(table, row)
    }
  }

  /** Puts a port that is made again back into the mirrors that stayed: where it went they lost it. */
  mirrorAgain(port: string, reference: Reference): void {
    const was = Object.keys(this.saved).find(uuid => {
      const { table, row } = this.saved[uuid] as SavedRows[string]
      return table === 'Port' && row.name === port
    })
    for (const [uuid, { table, row }] of Object.entries(this.saved)) {
      if (table !== 'Mirror' || !this.existing.has(uuid)) continue
      for (const column of ['select_src_port', 'select_dst_port', 'output_port']) {
        if (was === undefined || !elements(row[column]).includes(was)) continue
        const isOne = column === 'output_port'
        // Where somebody has given the mirror another output since, it keeps that.
        const where = [['_uuid', '==', uuidRef(uuid)], ...(isOne ? [[column, '==', setOf([])]] : [])]
        this.push({ op: 'mutate', table, where, mutations: [[column, 'insert', setOf([reference as never])]] })
      }
    }
  }

  #columns(row: JsonObject, without: readonly string[] = []): Record<string, JsonValue> {
    const columns: Record<string, JsonValue> = {}
    for (const [column, value] of Object.entries(row)) {
      if (without.includes(column)) continue
      const resolved = this.#resolve(value)
      if (resolved !== undefined) columns[column] = resolved
    }
    return columns
  }

  /** A value with its references led to where their rows are now; a reference to a row that is no more goes. */
  #resolve(value: JsonValue): JsonValue | undefined {
    if (!Array.isArray(value)) return value
    if (value[0] === 'uuid') return this.#reference(String(value[1])) as JsonValue | undefined
    if (value[0] === 'set') return ['set', (value[1] as JsonValue[]).map(each => this.#resolve(each)).filter(isThere)]
    const pairs = (value[1] as [JsonValue, JsonValue][]).map(pair => pair.map(each => this.#resolve(each)))
    return ['map', pairs.filter(pair => pair.every(isThere)) as JsonValue[]]
  }

  #reference(uuid: string): Reference | undefined {
    if (this.existing.has(uuid)) return uuidRef(uuid)
    const known = this.#restored.get(uuid)
    if (known) return known
    const entry = this.saved[uuid]
    if (!entry) return undefined
    const named = this.byName[entry.table]
    if (named) return named(String(entry.row.name))
    const reference = this.#insert(entry.table, entry.row)
    this.#restored.set(uuid, reference)
    return reference
  }

  #insert(table: string, row: JsonObject): Reference {
    const reference = namedRef(`restored_${this.#inserts++}`)
    this.push({ op: 'insert', table, row: this.#columns(row), 'uuid-name': reference[1] })
    return reference
  }
}

const isThere = (value: JsonValue | undefined): value is JsonValue => value !== undefined
