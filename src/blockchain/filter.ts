// Which blocks somebody asks for: the conditions checked, and compared with a header. Pure.
import { invalid } from '../errors.js'
import type { BlockHeader } from './block.js'
import type { BlockTimes } from './ports.js'
import type { BlockFilter } from './reports.js'

/** @throws OpDbusError INVALID_INPUT for a condition that is none */
export function checkFilter({ plugin, operation, since, until }: BlockFilter): void {
  for (const [name, value] of Object.entries({ plugin, operation })) {
    if (value !== undefined && typeof value !== 'string') throw invalid(`${name} is a text`)
  }
  for (const [name, value] of Object.entries({ since, until })) {
    if (value !== undefined && (typeof value !== 'number' || Number.isNaN(value))) {
      throw invalid(`${name} is a time in Unix milliseconds`)
    }
  }
}

/** Whether a block of this header is asked for. */
export function fits(header: BlockHeader, { plugin, operation, since, until }: BlockFilter): boolean {
  return (
    (plugin === undefined || header.plugin === plugin) &&
    (operation === undefined || header.operation === operation) &&
    (since === undefined || header.timestamp >= since) &&
    (until === undefined || header.timestamp < until)
  )
}

/** Whether the filter asks for a time at all. */
export function hasTime({ since, until }: BlockFilter): boolean {
  return since !== undefined || until !== undefined
}

/** Whether one of these blocks may be asked for, going by when they were appended. */
export function mayFit({ least, greatest }: BlockTimes, { since, until }: BlockFilter): boolean {
  return (since === undefined || greatest >= since) && (until === undefined || least < until)
}
