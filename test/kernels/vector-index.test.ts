// The index against a plain map of vectors, on every host and through growth, removal and failures.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsKernels } from '../../src/kernels/js.js'
import { VectorIndex } from '../../src/kernels/vector-index.js'
import type { KernelMatrix, Kernels } from '../../src/ports.js'
import { deferred } from '../support.js'
import { HOSTS, lengthOf, randomMatrix } from './kernels.js'

const DIMS = 9
const vectorOf = (seed: number) => randomMatrix(1, DIMS, seed)

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, d) => sum + x * b[d]!, 0) / (lengthOf(a) * lengthOf(b))
}

describe.each(HOSTS)('on %s', (_, open) => {
  it('is a map of vectors that knows who is near, whatever is set and removed', async () => {
    const kernels = await open()
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ set: fc.array(fc.tuple(fc.nat(150), fc.nat(1e6)), { maxLength: 40 }) }) },
      { weight: 2, arbitrary: fc.record({ remove: fc.array(fc.nat(150), { maxLength: 10 }) }) },
      { weight: 2, arbitrary: fc.record({ near: fc.nat(1e6), k: fc.nat(12) }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), fc.boolean(), async (steps, wait) => {
        const index = new VectorIndex(kernels, { dims: DIMS })
        const model = new Map<string, Float32Array>()
        const checks: Promise<unknown>[] = []
        for (const one of steps) {
          let done: Promise<unknown>
          if ('set' in one) {
            const items = one.set.map(([id, seed]) => [`id${id}`, vectorOf(seed)] as const)
            for (const [id, vector] of items) model.set(id, vector)
            done = index.setMany(items)
          } else if ('remove' in one) {
            const ids = one.remove.map(id => `id${id}`)
            const count = ids.filter(id => model.delete(id)).length
            done = index.remove(...ids).then(removed => expect(removed).toBe(count))
          } else {
            const query = vectorOf(one.near)
            const scores = new Map([...model].map(([id, vector]) => [id, cosine(query, vector)]))
            const best = [...scores.values()].sort((a, b) => b - a).slice(0, one.k)
            done = index.nearest(query, one.k).then(found => {
              expect(found).toHaveLength(best.length)
              for (const [place, { id, score }] of found.entries()) {
                expect(score).toBeCloseTo(best[place]!, 5)
                expect(score).toBeCloseTo(scores.get(id)!, 5)
              }
            })
          }
          // Not waiting in between must make no difference.
          if (wait) await done
          else checks.push(done)
        }
        await Promise.all(checks)
        expect([...index.ids()].sort()).toEqual([...model.keys()].sort())
        expect(index.size).toBe(model.size)
        await index.close()
      }),
      { numRuns: 60 },
    )
    kernels.close()
  })

  it('finds the neighbours of what is in it by id, itself first', async () => {
    const kernels = await open()
    const index = new VectorIndex(kernels, { dims: 2 })
    await index.setMany([
      ['north', Float32Array.of(0, 5)],
      ['east', Float32Array.of(1, 0)],
      ['north-east', Float32Array.of(3, 3)],
      ['nowhere', Float32Array.of(0, 0)],
    ])
    const near = await index.nearest('north', 3)
    expect(near.map(({ id }) => id)).toEqual(['north', 'north-east', 'east'])
    expect(near.map(({ score }) => score.toFixed(4))).toEqual(['1.0000', '0.7071', '0.0000'])
    expect([...(await index.vector('north'))!]).toEqual([0, 1])
    expect(await index.vector('south')).toBeUndefined()
    await expect(index.nearest('south', 1)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    kernels.close()
  })
})

describe('an index', () => {
  it('may keep lengths', async () => {
    const index = new VectorIndex(new JsKernels(), { dims: 2, normalize: false })
    await index.set('long', Float32Array.of(10, 0))
    expect(await index.nearest(Float32Array.of(2, 1), 1)).toEqual([{ id: 'long', score: 20 }])
  })

  it('takes all of a batch or nothing, and copies what it takes at once', async () => {
    const index = new VectorIndex(new JsKernels(), { dims: 2 })
    const good = Float32Array.of(1, 0)
    const set = index.set('good', good)
    good.fill(-1)
    await set
    for (const bad of [Float32Array.of(1, Number.NaN), new Float32Array(3), new Float32Array(0), new Float32Array(4)]) {
      const items = [
        ['new', Float32Array.of(0, 1)],
        ['bad', bad],
      ] as const
      await expect(index.setMany(items)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
      await expect(index.nearest(bad, 1)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    await expect(index.nearest(good, -1)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect([...index.ids()]).toEqual(['good'])
    expect(await index.nearest(Float32Array.of(1, 0), 5)).toEqual([{ id: 'good', score: 1 }])
    expect(() => new VectorIndex(new JsKernels(), { dims: 0 })).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    )
  })

  it('says what is wrong with an argument, by its name', async () => {
    const index = new VectorIndex(new JsKernels(), { dims: 2 })
    const vector = Float32Array.of(1, 0)
    const nan = Float32Array.of(1, Number.NaN)
    const asked: [() => unknown, RegExp][] = [
      [() => index.set(1 as never, vector), /^an id must be a string; got 1$/],
      [() => index.set(undefined as never, vector), /^an id must be a string; got undefined$/],
      [() => index.set('n', nan), /^the vector of "n" holds a number that is not finite/],
      [() => index.set('n', [1, 0] as never), /^the vector of "n" must be a Float32Array; got Array$/],
      [() => index.set('n', new Float64Array(2) as never), /must be a Float32Array; got Float64Array$/],
      [() => index.set('n', undefined as never), /must be a Float32Array; got undefined$/],
      [() => index.set('n', new Float32Array(3)), /^the vector of "n" has 3 floats, not 2$/],
      [() => index.setMany(undefined as never), /^what is set must be pairs \[id, vector\]; got undefined$/],
      [() => index.setMany({ n: vector } as never), /pairs \[id, vector\]; got Object$/],
      [() => index.setMany(['n'] as never), /pairs \[id, vector\]; got "n" among them$/],
      [() => index.remove(['n'] as never), /^an id must be a string; got Array$/],
      [() => index.has(3 as never), /^an id must be a string; got 3$/],
      [() => index.vector(null as never), /^an id must be a string; got null$/],
      [() => index.nearest(vector, '3' as never), /^k must be a whole number, 0 or more; got "3"$/],
      [() => index.nearest(vector, undefined as never), /^k must be .*; got undefined$/],
      [() => index.nearest(7 as never, 1), /^the query must be a Float32Array; got 7$/],
      [() => index.nearest(nan, 1), /^the query holds a number that is not finite/],
      [() => index.nearest('n', 1), /^nothing has the id "n"$/],
      [() => new VectorIndex(Promise.resolve() as never, { dims: 2 }), /what openKernels resolves with; got Promise$/],
      [() => new VectorIndex(undefined as never, { dims: 2 }), /; got undefined$/],
      [() => new VectorIndex(new JsKernels(), undefined as never), /^the options of an index must be an object/],
      [() => new VectorIndex(new JsKernels(), { dims: '2' as never }), /^dims must be .*; got "2"$/],
      [() => new VectorIndex(new JsKernels(), {} as never), /^dims must be .*; got undefined$/],
    ]
    for (const [ask, message] of asked)
      await expect((async () => ask())(), String(message)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(message),
      })
    expect(index.size).toBe(0)
  })

  it('stays as it was when there is no room to grow, and grows when there is', async () => {
    const js = new JsKernels()
    let full = false
    const load: Kernels['load'] = (...args) => (full ? Promise.reject(new Error('no room')) : js.load(...args))
    const index = new VectorIndex(
      Object.assign(Object.create(js) as Kernels, { load, normalize: js.normalize.bind(js) }),
      { dims: DIMS },
    )
    const items = Array.from({ length: 100 }, (_, i) => [`id${i}`, vectorOf(i)] as const)
    await index.setMany(items.slice(0, 64))
    full = true
    await expect(index.set('id64', vectorOf(64))).rejects.toThrow('no room')
    expect([index.size, index.has('id64')]).toEqual([64, false])
    expect((await index.nearest(vectorOf(3), 1))[0]!.id).toBe('id3')
    full = false
    await index.setMany(items)
    expect(index.size).toBe(100)
    expect((await index.nearest(vectorOf(99), 1))[0]!.id).toBe('id99')
  })

  it('moves no row while a search is under way', async () => {
    const js = new JsKernels()
    const gate = deferred<void>()
    const load: Kernels['load'] = async (...args) => {
      const matrix = await js.load(...args)
      const nearest: KernelMatrix['nearest'] = async (...search) => {
        await gate.promise
        return matrix.nearest(...search)
      }
      return new Proxy(matrix, {
        get: (target, name) => {
          if (name === 'nearest') return nearest
          const value = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    }
    const index = new VectorIndex(
      Object.assign(Object.create(js) as Kernels, { load, normalize: js.normalize.bind(js) }),
      { dims: 1 },
    )
    await index.setMany([
      ['up', Float32Array.of(1)],
      ['down', Float32Array.of(-1)],
    ])
    const search = index.nearest(Float32Array.of(1), 1)
    const removed = index.remove('up')
    const later = index.nearest(Float32Array.of(1), 1)
    gate.resolve()
    expect(await search).toEqual([{ id: 'up', score: 1 }])
    expect(await removed).toBe(1)
    expect(await later).toEqual([{ id: 'down', score: -1 }])
  })

  it('draws a map with an id at every point', async () => {
    const index = new VectorIndex(new JsKernels(), { dims: DIMS })
    expect((await index.project()).points).toEqual([])
    await index.setMany(Array.from({ length: 20 }, (_, i) => [`id${i}`, vectorOf(i)] as const))
    await index.remove('id0')
    const { points, shares, place } = await index.project()
    expect(points.map(({ id }) => id)).toEqual([...Array.from({ length: 19 }, (_, i) => (i === 0 ? 'id19' : `id${i}`))])
    expect(shares[0]).toBeGreaterThan(0)
    const [x, y] = place((await index.vector('id7'))!)
    const there = points.find(({ id }) => id === 'id7')!
    expect(there.x).toBeCloseTo(x, 6)
    expect(there.y).toBeCloseTo(y, 6)
  })

  it('answers what was asked before it was closed, and nothing after', async () => {
    const index = new VectorIndex(new JsKernels(), { dims: 1 })
    await index.set('one', Float32Array.of(1))
    const asked = index.nearest('one', 1)
    await Promise.all([index.close(), index.close()])
    expect(await asked).toEqual([{ id: 'one', score: 1 }])
    await expect(index.nearest('one', 1)).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(index.set('two', Float32Array.of(1))).rejects.toMatchObject({ code: 'CLOSED' })
  })
})
