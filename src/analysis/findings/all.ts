/**
 * All that a diagnosis looks for. To add a finding, write a function and put it here.
 */
import type { Examiner } from '../finding.ts'
import { abandonedCarriers } from './abandoned-carriers.ts'
import { fragmentedAllocators } from './fragmented-allocators.ts'
import { disabledAllocators, missingParts } from './gaps.ts'
import { growth } from './growth.ts'
import { heldBinaries } from './held-binaries.ts'
import { lazyFree, lowCacheHitRate, msegCache } from './kept-back.ts'
import { outsideAllocators } from './outside-allocators.ts'
import {
  manySingleBlockCarriers,
  oversizedCarriers,
  sparseSingleBlockCarriers,
} from './single-block-carriers.ts'
import { slowAnswer } from './slow-answer.ts'
import { migrationOff, smallCarriers } from './tuning.ts'
import { emulatorTables, inUse } from './use.ts'

/** In the order in which a diagnosis has them, among findings that are equally grave. */
export const EXAMINERS: readonly Examiner[] = [
  fragmentedAllocators,
  abandonedCarriers,
  sparseSingleBlockCarriers,
  outsideAllocators,
  oversizedCarriers,
  manySingleBlockCarriers,
  smallCarriers,
  migrationOff,
  inUse,
  growth,
  heldBinaries,
  emulatorTables,
  msegCache,
  lazyFree,
  lowCacheHitRate,
  slowAnswer,
  disabledAllocators,
  missingParts,
]
