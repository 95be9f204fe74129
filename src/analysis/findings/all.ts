/**
 * All that a diagnosis looks for. To add a finding, write a function and put it here.
 */
import type { Examiner } from '../finding.ts'
import { fragmentedAllocators } from './fragmented-allocators.ts'
import { disabledAllocators, missingParts } from './gaps.ts'
import { lazyFree, msegCache } from './kept-back.ts'
import { outsideAllocators } from './outside-allocators.ts'
import { oversizedCarriers, sparseSingleBlockCarriers } from './single-block-carriers.ts'
import { emulatorTables, inUse } from './use.ts'

/** In the order in which a diagnosis has them, among findings that are equally grave. */
export const EXAMINERS: readonly Examiner[] = [
  fragmentedAllocators,
  sparseSingleBlockCarriers,
  outsideAllocators,
  oversizedCarriers,
  inUse,
  emulatorTables,
  msegCache,
  lazyFree,
  disabledAllocators,
  missingParts,
]
