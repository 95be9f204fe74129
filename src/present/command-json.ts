/**
 * What commands that show a snapshot say in JSON: the same on a terminal and in the API of the server.
 */
import { allocators, allocatorTypes } from '../analysis/allocators.ts'
import { averageBlockSizes } from '../analysis/average-block-sizes.ts'
import { cacheHitRates } from '../analysis/cache-hit-rates.ts'
import { fragmentation } from '../analysis/fragmentation.ts'
import { type Json, toJson } from '../analysis/json.ts'
import { memoryReport } from '../analysis/memory.ts'
import { sbcsToMbcs } from '../analysis/sbcs-to-mbcs.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import type { Unit } from '../analysis/unit.ts'
import type { Keyword } from '../analysis/util-allocators.ts'
import type { Rows } from './rows.ts'

/** The data of a snapshot, of the allocators that are wanted, which by default are all. */
export type CommandJson = (snapshot: Snapshot, unit: Unit, isWanted?: Rows['isWanted']) => Json

const all: Rows['isWanted'] = () => true

export const memoryJson: CommandJson = (snapshot, unit) =>
  both((keyword) => memoryReport(snapshot, keyword, unit))

export const fragmentationJson: CommandJson = (snapshot, unit, isWanted = all) =>
  both((keyword) => fragmentation(snapshot, keyword, unit).filter(isWanted))

export const averageBlockSizesJson: CommandJson = (snapshot, unit, isWanted = all) =>
  both(
    (keyword) =>
      new Map(
        [...averageBlockSizes(snapshot, keyword, unit)]
          .filter(([allocator]) => isWanted({ allocator }))
          .map(([allocator, size]) => [allocator, { ...size }]),
      ),
  )

export const sbcsToMbcsJson: CommandJson = (snapshot, _unit, isWanted = all) =>
  both((keyword) => sbcsToMbcs(snapshot, keyword).filter(isWanted))

export const cacheHitRatesJson: CommandJson = (snapshot) => toJson(cacheHitRates(snapshot))

export const allocatorsJson: CommandJson = (snapshot, unit, isWanted = all) =>
  toJson({
    instances: allocators(snapshot, unit).filter(isWanted),
    types: allocatorTypes(snapshot, unit).filter(isWanted),
  })

/** By the commands' names; `diagnose` has a result of its own. */
export const COMMAND_JSON: ReadonlyMap<string, CommandJson> = new Map([
  ['memory', memoryJson],
  ['fragmentation', fragmentationJson],
  ['average-block-sizes', averageBlockSizesJson],
  ['sbcs-to-mbcs', sbcsToMbcsJson],
  ['cache-hit-rates', cacheHitRatesJson],
  ['allocators', allocatorsJson],
])

function both(of: (keyword: Keyword) => object): Json {
  return toJson({ current: of('current'), max: of('max') })
}
