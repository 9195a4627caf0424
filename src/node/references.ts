// Which models the package knows the right vectors of, made elsewhere: what serves them has to reproduce those. Part of the Node root.
import { join } from 'node:path'
import type { ModelSpec } from '../embedder/model/spec.js'
import { KNOWN_MODELS } from '../embedder/model/table.js'
import { repositoryName } from '../hub/names.js'

/**
 * The file of known vectors of `spec` below the package's folder of models, if there is one. Without it the CPU is believed,
 * and its own vectors judge the other devices; with it a CPU that is wrong is refused as well.
 *
 * Vectors of a hub's model hold only for its own weights used as it means them: in fp32, as it lies in the cache under its
 * hub id, all dims, its own limit, no prefix. A folder of the user's own that goes by the same name may be another model.
 */
export function referenceFile(spec: ModelSpec, modelsDir: string): string | undefined {
  if (spec.id === 'builtin') return join(modelsDir, 'builtin', 'op-dbus-reference.json')
  const { hubId, maxTokens } = KNOWN_MODELS.medium
  const asPublished =
    spec.id === hubId &&
    spec.files.model.path.replaceAll('\\', '/').includes(`/${repositoryName(hubId)}/snapshots/`) &&
    spec.dtype === 'fp32' &&
    spec.pooling === 'mean' &&
    spec.normalize &&
    spec.dims === 384 &&
    spec.maxTokens === maxTokens &&
    spec.prefix === ''
  return asPublished ? join(modelsDir, 'references', 'all-MiniLM-L6-v2.json') : undefined
}
