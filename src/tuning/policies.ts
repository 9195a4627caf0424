// The eviction policies by name. Arithmetic over slots: knows no cache, no clock and no runtime.
import type { NewPolicy, PolicyName } from '../cache/eviction.js'
import { newLru } from '../cache/lru-policy.js'
import { Gdsf } from './policies/gdsf.js'
import { S3Fifo } from './policies/s3-fifo.js'
import { Sieve } from './policies/sieve.js'
import { WTinyLfu } from './policies/w-tinylfu.js'

export const POLICIES: Readonly<Record<PolicyName, NewPolicy>> = {
  lru: newLru,
  sieve: capacity => new Sieve(capacity),
  's3-fifo': capacity => new S3Fifo('s3-fifo', capacity),
  'w-tinylfu': (capacity, random = Math.random) => new WTinyLfu(capacity, random),
  gdsf: capacity => new Gdsf(capacity),
  'cost-s3-fifo': capacity => new S3Fifo('cost-s3-fifo', capacity),
}
