// The colours of eviction policies on pages: tokens of tokens.css. Their names and dashes are those of all pictures.
import type { PolicyName } from '../src/cache/eviction.js'

export { POLICY_LOOKS, POLICY_ORDER } from '../src/tuning/policy-looks.js'

export const POLICY_TOKENS: Readonly<Record<PolicyName, string>> = {
  lru: '--policy-lru',
  sieve: '--policy-sieve',
  's3-fifo': '--policy-s3-fifo',
  'w-tinylfu': '--policy-w-tinylfu',
  gdsf: '--policy-gdsf',
  'cost-s3-fifo': '--policy-cost-s3-fifo',
}
