// The eviction policies by name. Arithmetic over slots: knows no cache, no clock and no runtime.
import type { NewPolicy, PolicyName } from '../cache/eviction.js'

// To be written by its owner (policies).
export const POLICIES: Readonly<Partial<Record<PolicyName, NewPolicy>>> = {}
