// The operations of one transact that leads a database from its snapshot to a goal: first what must still be so, then what changes. Pure.
import { isDeepStrictEqual } from 'node:util'
import type { JsonObject, JsonValue } from '../../../json/json.js'
import type { SavedRows } from './checkpoint.js'
import type { OvsdbOperation } from './client.js'
import { BRIDGE_FIELDS, columnOf, type Field, INTERFACE_FIELDS, PORT_FIELDS, ROOT_FIELDS } from './fields.js'
import { impossible, type NetGoal, type Transition } from './goal.js'
import { Restorer } from './restore.js'
import { elements, mapOf, namedRef, type Row, setOf, uuidOf, uuidRef } from './rows.js'
import type { Snapshot } from './snapshot.js'

export interface Transaction {
  /** All that must be as the snapshot says, or nothing happens. */
  readonly waits: readonly OvsdbOperation[]
  readonly changes: readonly OvsdbOperation[]
}

/** `saved` and `existing`: what a checkpoint has of rows that are to be made again, and which of them are there still. */
export function transactionFor(
  snapshot: Snapshot,
  goal: NetGoal,
  saved: SavedRows,
  existing: ReadonlySet<string>,
): Transaction {
  return new TransactionBuilder(snapshot, goal, saved, existing).build()
}

type Reference = readonly ['uuid' | 'named-uuid', string]

class TransactionBuilder {
  readonly #waits: OvsdbOperation[] = []
  readonly #changes: OvsdbOperation[] = []
  readonly #restorer: Restorer
  /** Ports and interfaces that this transact makes, by table and name. */
  readonly #made = new Map<string, Reference>()

  constructor(
    readonly snapshot: Snapshot,
    readonly goal: NetGoal,
    readonly saved: SavedRows,
    existing: ReadonlySet<string>,
  ) {
    const references = {
      Port: (name: string) => this.#portNow(name),
      Bridge: (name: string) => this.#made.get(key('Bridge', name)),
    }
    this.#restorer = new Restorer(saved, existing, references, operation => this.#changes.push(operation))
  }

  build(): Transaction {
    const { goal, snapshot } = this
    if (goal.root?.current && goal.root.target && snapshot.root) {
      this.#update('Open_vSwitch', snapshot.root, ROOT_FIELDS, goal.root.current, goal.root.target)
    }
    for (const [name, wanted] of goal.resources) this.#bridge(name, wanted)
    for (const [port, bridge] of goal.bridgeOf) this.#placePort(port, bridge)
    for (const [name, port] of goal.portOf) this.#placeInterface(name, port)
    for (const [name, wanted] of goal.resources) this.#fields(name, wanted)
    return { waits: this.#waits, changes: this.#changes }
  }

  // ---- bridges ------------------------------------------------------------------------------------------------------

  #bridge(name: string, { current, target }: Transition): void {
    const row = this.snapshot.bridges.get(name)
    if (row && !target) {
      this.#unchanged('Bridge', row, ['name', 'ports', 'controller', ...BRIDGE_FIELDS.map(({ column }) => column)])
      for (const port of [name, ...(this.snapshot.portsOf.get(name) ?? [])]) {
        const gone = this.snapshot.ports.get(port)
        if (gone) this.#unchangedPort(port, gone)
      }
      for (const uuid of elements(row.controller)) {
        const controller = this.snapshot.controllers.get(String(uuid))
        if (controller) this.#unchanged('Controller', controller, ['target'])
      }
      this.#mutateRoot('delete', uuidRef(uuidOf(row)))
      // As ovs-vsctl does it: what names the bridge would keep its row.
      const where = [['bridge', '==', uuidRef(uuidOf(row))]]
      this.#changes.push({ op: 'delete', table: 'Flow_Sample_Collector_Set', where })
      return
    }
    if (target?.type !== 'ovs-bridge') return
    const targets = (target.controllers ?? []) as readonly string[]
    if (row) {
      if (isDeepStrictEqual(current?.controllers, targets)) return
      this.#unchanged('Bridge', row, ['controller'])
      this.#changes.push(on('update', 'Bridge', row, { row: { controller: this.#controllers(name, targets) } }))
      return
    }
    // With its local port and interface, as `ovs-vsctl add-br` makes it.
    this.#absent('Bridge', name)
    const local = this.#insertInterface(name, { type: 'internal' })
    const port = this.#insert('Port', name, { interfaces: setOf([local as unknown as JsonValue]) })
    const bridge = this.#insert('Bridge', name, {
      ...columns(BRIDGE_FIELDS, target),
      controller: this.#controllers(name, targets),
      ports: setOf([port as unknown as JsonValue]),
    })
    this.#mutateRoot('insert', bridge)
    this.#restorer.insertCollectors(name)
  }

  #mutateRoot(mutator: 'insert' | 'delete', bridge: Reference): void {
    const { root } = this.snapshot
    if (!root) throw impossible('the database of Open vSwitch has no row of its own: run ovs-vsctl init')
    this.#changes.push(on('mutate', 'Open_vSwitch', root, { mutations: [['bridges', mutator, bridge]] }))
  }

  /** Those that are there stay as they are, with all that is set of them. */
  #controllers(bridge: string, targets: readonly string[]): JsonValue {
    const row = this.snapshot.bridges.get(bridge)
    const there = new Map(
      elements(row?.controller).map(uuid => [
        String(this.snapshot.controllers.get(String(uuid))?.target),
        String(uuid),
      ]),
    )
    const references = targets.map(target => {
      const uuid = there.get(target)
      return uuid === undefined ? this.#restorer.controller(bridge, target) : uuidRef(uuid)
    })
    return setOf(references as unknown as JsonValue[])
  }

  // ---- where things belong ------------------------------------------------------------------------------------------

  #placePort(name: string, bridge: string | null): void {
    const { bridgeOf, bridges, ports } = this.snapshot
    const row = ports.get(name)
    const from = bridges.get(bridgeOf.get(name) ?? '')
    if (row && from && !this.#goes(String(from.name))) this.#takeOut('Bridge', from, 'ports', row)
    if (row && bridge === null) this.#unchangedPort(name, row)
    if (bridge === null) return
    const to = bridges.get(bridge)
    if (to && this.#goes(bridge))
      throw impossible(`${name} is to belong to the bridge ${bridge}, which is to be removed`)
    if (!to && this.goal.resources.get(bridge)?.target?.type !== 'ovs-bridge') {
      throw impossible(`${name} is to belong to ${bridge}, and there is no bridge of that name`)
    }
    if (to) this.#unchanged('Bridge', to, ['name'])
    const port = row ? uuidRef(uuidOf(row)) : this.#insertPort(name)
    this.#changes.push(onName('mutate', 'Bridge', bridge, { mutations: [['ports', 'insert', port]] }))
  }

  #insertPort(name: string): Reference {
    // Without a target of its own (its bridge lists it), it is what a checkpoint saved, or what `ovs-vsctl add-port` makes.
    const target = this.goal.resources.get(name)?.target
    const interfaces = target ? ((target.interfaces ?? [name]) as readonly string[]) : this.#keptInterfaces(name)
    if (interfaces.length === 0)
      throw impossible(`the port ${name} is to have no interface, and a port has at least one`)
    this.#absent('Port', name)
    const members = setOf(interfaces.map(each => this.#interface(each)) as unknown as JsonValue[])
    const port = this.#insert('Port', name, { ...(target && columns(PORT_FIELDS, target)), interfaces: members })
    this.#restorer.mirrorAgain(name, port)
    return port
  }

  /** Those that no other port has got meanwhile. */
  #keptInterfaces(port: string): readonly string[] {
    const free = this.#restorer.interfacesOf(port).filter(name => !this.snapshot.interfaces.has(name))
    return free.length > 0 ? free : [port]
  }

  /** The one that is there, or a new one. */
  #interface(name: string): Reference {
    const row = this.snapshot.interfaces.get(name)
    if (row) return uuidRef(uuidOf(row))
    return this.#made.get(key('Interface', name)) ?? this.#insertInterface(name)
  }

  #insertInterface(name: string, row?: Readonly<Record<string, JsonValue>>): Reference {
    const target = this.goal.resources.get(name)?.target
    this.#absent('Interface', name)
    return this.#insert('Interface', name, row ?? (target ? columns(INTERFACE_FIELDS, target) : {}))
  }

  #placeInterface(name: string, port: string | null): void {
    const { interfaces, portOf, ports } = this.snapshot
    const row = interfaces.get(name)
    const from = ports.get(portOf.get(name) ?? '')
    // A port that goes takes its interface along, unless another has it by then.
    if (row && from && this.goal.bridgeOf.get(String(from.name)) !== null)
      this.#takeOut('Port', from, 'interfaces', row)
    if (port === null) return
    const to = ports.get(port)
    if (!to && this.#made.has(key('Port', port))) return
    if (!to) throw impossible(`the interface ${name} is to belong to ${port}, and there is no port of that name`)
    this.#unchanged('Port', to, ['name'])
    const mutations = [['interfaces', 'insert', this.#interface(name)]]
    this.#changes.push(on('mutate', 'Port', to, { mutations }))
  }

  /** That it is still in there is part of what must be so. */
  #takeOut(table: string, owner: Row, column: string, member: Row): void {
    const reference = uuidRef(uuidOf(member))
    const where = [
      ['_uuid', '==', uuidRef(uuidOf(owner))],
      [column, 'includes', setOf([reference])],
    ]
    this.#waits.push({
      op: 'wait',
      timeout: 0,
      table,
      where,
      columns: ['name'],
      until: '==',
      rows: [{ name: owner.name }],
    })
    this.#changes.push(on('mutate', table, owner, { mutations: [[column, 'delete', reference]] }))
  }

  #goes(bridge: string): boolean {
    const wanted = this.goal.resources.get(bridge)
    return wanted !== undefined && wanted.target === undefined
  }

  // ---- fields -------------------------------------------------------------------------------------------------------

  #fields(name: string, { current, target }: Transition): void {
    if (!current || !target) return
    const { bridges, interfaces, ports } = this.snapshot
    const [bridge, port, own] = [bridges.get(name), ports.get(name), interfaces.get(name)]
    if (bridge) this.#update('Bridge', bridge, BRIDGE_FIELDS, current, target)
    else if (port) this.#update('Port', port, PORT_FIELDS, current, target)
    if (own && !bridge) this.#update('Interface', own, INTERFACE_FIELDS, current, target)
  }

  /** Of a map only the keys that differ are touched. */
  #update(table: string, row: Row, fields: readonly Field[], current: JsonObject, target: JsonObject): void {
    const differing = fields.filter(({ name }) => !isDeepStrictEqual(current[name], target[name]))
    if (differing.length === 0) return
    this.#unchanged(
      table,
      row,
      differing.map(({ column }) => column),
    )
    const plain = differing.filter(({ kind }) => kind !== 'map')
    if (plain.length > 0) this.#changes.push(on('update', table, row, { row: columns(plain, target) }))
    const mutations = differing
      .filter(({ kind }) => kind === 'map')
      .flatMap(field => mapMutations(field, current, target))
    if (mutations.length > 0) this.#changes.push(on('mutate', table, row, { mutations }))
  }

  // ---- what must be so, and what is made ----------------------------------------------------------------------------

  #unchanged(table: string, row: Row, names: readonly string[]): void {
    const seen = Object.fromEntries(names.map(name => [name, row[name]]))
    this.#waits.push({ ...on('wait', table, row, {}), timeout: 0, columns: names, until: '==', rows: [seen] })
  }

  /** With its interfaces, which go with it. */
  #unchangedPort(name: string, row: Row): void {
    this.#unchanged('Port', row, ['name', 'interfaces', ...PORT_FIELDS.map(({ column }) => column)])
    for (const member of this.snapshot.interfacesOf.get(name) ?? []) {
      const own = this.snapshot.interfaces.get(member)
      if (own) this.#unchanged('Interface', own, ['name', ...INTERFACE_FIELDS.map(({ column }) => column)])
    }
  }

  #absent(table: string, name: string): void {
    this.#waits.push({ ...onName('wait', table, name, {}), timeout: 0, columns: ['name'], until: '==', rows: [] })
  }

  #insert(table: string, name: string, row: Readonly<Record<string, JsonValue>>): Reference {
    const reference = this.#portReference(table, name)
    this.#made.set(key(table, name), reference)
    const saved = this.#restorer.columns(table, name)
    this.#changes.push({ op: 'insert', table, row: { ...saved, ...row, name }, 'uuid-name': reference[1] })
    return reference
  }

  #portReference(table: string, name: string): Reference {
    return this.#made.get(key(table, name)) ?? namedRef(`${table.toLowerCase()}_${Buffer.from(name).toString('hex')}`)
  }

  /** For what a restored row says of a port: where it is after this transact; undefined where it is not. */
  #portNow(name: string): Reference | undefined {
    const row = this.snapshot.ports.get(name)
    if (row) return this.goal.bridgeOf.get(name) === null ? undefined : uuidRef(uuidOf(row))
    const comes =
      typeof this.goal.bridgeOf.get(name) === 'string' || this.goal.resources.get(name)?.target?.type === 'ovs-bridge'
    return comes ? this.#portReference('Port', name) : undefined
  }
}

function mapMutations({ name, column }: Field, current: JsonObject, target: JsonObject): JsonValue[] {
  const [before, after] = [current[name] ?? {}, target[name] ?? {}] as [JsonObject, JsonObject]
  const gone = Object.keys(before).filter(key => before[key] !== after[key])
  const put = Object.entries(after).filter(([key, value]) => before[key] !== value)
  return [
    ...(gone.length > 0 ? [[column, 'delete', setOf(gone)]] : []),
    ...(put.length > 0 ? [[column, 'insert', mapOf(Object.fromEntries(put))]] : []),
  ]
}

const columns = (fields: readonly Field[], resource: JsonObject) =>
  Object.fromEntries(fields.map(field => [field.column, columnOf(field, resource)]))

const on = (op: string, table: string, row: Row, more: object): OvsdbOperation => {
  return { op, table, where: [['_uuid', '==', uuidRef(uuidOf(row))]], ...more }
}

const onName = (op: string, table: string, name: string, more: object): OvsdbOperation => {
  return { op, table, where: [['name', '==', name]], ...more }
}

const key = (table: string, name: string) => `${table} ${name}`
