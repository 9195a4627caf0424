// The schemas of `/api` say what its types say: the compiler compares each with the type of its name.
import { Type } from 'typebox'
import { expect, it } from 'vitest'
import type * as api from '../../src/server/api.js'
import type { Static, TSchema } from '../../src/server/http.js'
import { type ApiSchemas, apiSchemas } from '../../src/server/schemas.js'
import type { PluginInfo } from '../../src/state.js'

/** Read-only to its leaves, and what may be undefined may be absent: JSON knows no difference. */
type Plain<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer E)[]
    ? readonly Plain<E>[]
    : T extends object
      ? { readonly [K in keyof T]: Plain<T[K]> }
      : T

type Contract = {
  ApiError: api.ApiError
  DaemonInfo: api.DaemonInfo
  DaemonStats: api.DaemonStats
  ModelInfo: api.ModelInfo
  SpaceInfo: api.SpaceInfo
  LookupCall: api.LookupCall
  LookupReport: api.LookupReport
  ClearCall: api.ClearCall
  ClearReport: api.ClearReport
  WarmCall: api.WarmCall
  WarmReport: api.WarmReport
  RowsCall: api.RowsCall
  RowsReport: api.RowsReport
  TuningReport: api.TuningReport
  TraceCall: api.TraceCall
  TraceState: api.TraceState
  PluginInfo: PluginInfo
  QueryInfo: api.QueryInfo
  QueryCallBody: api.QueryCallBody
  QueryReport: api.QueryReport
  DiffCall: api.DesiredCall
  PlanCall: api.PlanCall
  DiffReport: api.DiffReport
  PlanReport: api.PlanReport
  RollbackCall: api.RollbackCall
  ApplyCallBody: api.ApplyCallBody
  ApplyReport: api.ApplyReport
  CheckpointInfo: api.CheckpointInfo
  Block: api.Block
  BlocksReport: api.BlocksReport
  ChainHead: api.ChainHead
  VerifyCallBody: api.VerifyCallBody
  VerifyReport: api.VerifyReport
  SearchCallBody: api.SearchCallBody
  SearchReport: api.SearchReport
}

type Is<A, B> = [A] extends [B] ? ([B] extends [A] ? true : { readonly wider: B }) : { readonly differs: A }
type Said<K> = K extends keyof ApiSchemas
  ? ApiSchemas[K] extends TSchema
    ? Plain<Static<ApiSchemas[K]>>
    : never
  : never
type Agreement = { readonly [K in keyof Contract]: Is<Said<K>, Plain<Contract[K]>> }

// Does not compile where one says something else, or is missing on either side.
const agreed: { readonly [K in keyof ApiSchemas | keyof Contract]: true } = {} as Agreement

it('every schema has a type of its name, and says the same', () => {
  expect(agreed).toEqual({})
  for (const [name, schema] of Object.entries(apiSchemas(Type))) expect(schema, name).toBeTypeOf('object')
})
