// What `/api` answers of blocks: listing, one, its proof, the head, a check of all.
import type { Chain } from '../../blockchain.js'
import { OpDbusError } from '../../errors.js'
import type { Block, BlocksReport, VerifyCallBody } from '../api.js'
import type { Routes } from '../context.js'
import { HttpProblem } from '../http-errors.js'
import { mustHaveChain } from '../must-have-chain.js'
import { MOST_BLOCKS } from '../schemas/chain.js'
import { BLOCK_NAME, WHOLE_NUMBER } from '../schemas/parts.js'
import { AS_JSON, described } from '../schemas.js'

/** What a query string says: texts, or lists of them where a name is there twice. */
type Query = Readonly<Record<string, unknown>>

const NUMBERS = ['limit', 'since', 'until', 'before'] as const
const WORDS = ['plugin', 'operation'] as const

export const chainRoutes: Routes = (app, context) => {
  const { signalOf } = context
  const read = { ...AS_JSON, config: { access: 'read' } } as const
  let verifying = false

  app.get<{ Querystring: Query }>(
    '/api/blocks',
    {
      ...read,
      schema: {
        ...described('Blocks that fit, newest first', { answer: 'BlocksReport' }),
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            ...Object.fromEntries(NUMBERS.map(name => [name, { type: 'string', pattern: WHOLE_NUMBER }])),
            bodies: { enum: ['true', 'false'], description: 'false: headers alone. Default true.' },
            ...Object.fromEntries(WORDS.map(name => [name, { type: 'string', maxLength: 256 }])),
          },
        },
      },
    },
    async (request): Promise<BlocksReport> => {
      const chain = mustHaveChain(context)
      const blocks = await chain.list({ ...listed(request.query), signal: signalOf(request) })
      const bare = request.query.bodies === 'false'
      return { size: chain.size(), blocks: bare ? blocks.map(({ body: _, ...block }) => block) : blocks }
    },
  )
  app.get<{ Params: { which: string } }>(
    '/api/blocks/:which',
    { ...read, schema: { ...described('One block', { answer: 'Block' }), params: WHICH } },
    request => found(mustHaveChain(context), request.params.which),
  )
  app.get<{ Params: { which: string } }>(
    '/api/blocks/:which/proof',
    {
      config: { access: 'read' },
      schema: {
        summary: 'That the block is in the chain, as C2SP tlog-proof',
        params: WHICH,
        response: {
          200: { description: 'A tlog-proof', content: { 'text/plain': { schema: { type: 'string' } } } },
        },
      },
    },
    async (request, reply) => {
      const chain = mustHaveChain(context)
      const block = await found(chain, request.params.which)
      const { text } = await chain.proof(block.number, { signal: signalOf(request) })
      return reply
        .type('text/plain; charset=utf-8')
        .header('content-disposition', `attachment; filename="block-${block.number}.tlog-proof"`)
        .send(text)
    },
  )
  app.get('/api/head', { ...read, schema: described('The end of the chain', { answer: 'ChainHead' }) }, () =>
    mustHaveChain(context).head(),
  )
  app.post<{ Body: VerifyCallBody }>(
    '/api/verify',
    {
      ...read,
      schema: described('Whether the chain is what was written', { body: 'VerifyCallBody', answer: 'VerifyReport' }),
    },
    async request => {
      const chain = mustHaveChain(context)
      // It reads every block: one after the other is enough for all who look at it.
      if (verifying) {
        throw new HttpProblem(429, 'BUSY', 'the chain is being verified already: ask again in a moment', {
          retryAfter: 1,
        })
      }
      verifying = true
      try {
        const { full = false, head } = request.body
        return await chain.verify({ full, ...(head !== undefined && { head }), signal: signalOf(request) })
      } finally {
        verifying = false
      }
    },
  )
}

const WHICH = {
  type: 'object',
  properties: {
    which: {
      type: 'string',
      pattern: BLOCK_NAME,
      description: 'A number, a hash or its beginning, or latest.',
    },
  },
} as const

/** @throws HttpProblem 404 where the chain has none */
async function found(chain: Chain, which: string): Promise<Block> {
  // What is all digits is a number; as the beginning of a hash it would be another block.
  const block = await chain.getBlock(/^\d{1,15}$/.test(which) ? Number(which) : which)
  if (block) return block
  throw new HttpProblem(404, 'NOT_FOUND', 'the chain has no such block')
}

function listed(query: Query) {
  const numbers = NUMBERS.flatMap(name => (query[name] === undefined ? [] : [[name, Number(query[name])] as const]))
  const words = WORDS.flatMap(name => (query[name] === undefined ? [] : [[name, query[name]] as const]))
  const { limit = 20, ...rest } = Object.fromEntries([...numbers, ...words]) as Readonly<Record<string, number>>
  if (!(limit <= MOST_BLOCKS)) throw new OpDbusError('INVALID_INPUT', `limit is at most ${MOST_BLOCKS}`)
  return { ...rest, limit }
}
