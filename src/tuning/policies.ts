// The eviction policies by name. Arithmetic over slots: knows no cache, no clock and no runtime.
import type { NewPolicy, PolicyName } from '../cache/eviction.js'
import { Lru } from './policies/lru.js'
import { S3Fifo } from './policies/s3-fifo.js'
import { Sieve } from './policies/sieve.js'
import { WTinyLfu } from './policies/w-tinylfu.js'

export const POLICIES: Readonly<Partial<Record<PolicyName, NewPolicy>>> = {
  lru: capacity => new Lru(capacity),
  sieve: capacity => new Sieve(capacity),
  's3-fifo': capacity => new S3Fifo(capacity),
  'w-tinylfu': (capacity, random = Math.random) => new WTinyLfu(capacity, random),
}
