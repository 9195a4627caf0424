// The eviction policies by name. Arithmetic over slots: knows no cache, no clock and no runtime.
import type { NewPolicy, PolicyName } from '../cache/eviction.js'
import { Lru } from './policies/lru.js'
import { S3Fifo } from './policies/s3-fifo.js'

export const POLICIES: Readonly<Partial<Record<PolicyName, NewPolicy>>> = {
  lru: capacity => new Lru(capacity),
  's3-fifo': capacity => new S3Fifo(capacity),
}
