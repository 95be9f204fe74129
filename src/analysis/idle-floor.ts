/**
 * What carriers hold without using it even on an idle node, computed from the instance's own settings.
 *
 * @see https://www.erlang.org/doc/apps/erts/erts_alloc.html#M_mmbcs `mmbcs`, `smbcs`, `sbct`
 */
import { greater, lesser } from './extremes.ts'
import { add, compare, subtract } from './integer.ts'
import { numericOption } from './settings.ts'
import type { AllocatorInstance, Integer } from './snapshot.ts'

/** No block is as large: `sbct` is then off, as it is by default for `ll_alloc` and `literal_alloc`. */
const UNLIMITED = 2 ** 48

/**
 * How much of `unused`, what an instance's multiblock carriers hold and do not use, is no waste:
 *
 * - its main carrier (`mmbcs`), which is taken at the start and never given back;
 * - one carrier of the smallest size (`smbcs`), if it has others: the one that blocks are put in now,
 *   which is full at one moment and empty at another;
 * - where blocks of any size go into multiblock carriers, also what was unused at the peak. The
 *   emulator's tables lie there for as long as it runs, each in a carrier of the next power of two, and
 *   the rest of that is never touched: with `+P 134217727` OTP 29 uses 2.0 of 4.0 GiB.
 */
export function idleFloor(instance: AllocatorInstance, unused: Integer): Integer {
  const { mbcs, mbcsPool } = instance
  const hasOthers = compare(add(mbcs.carriers.current, mbcsPool?.carriers ?? 0), 1) > 0
  const main = numericOption(instance, 'mmbcs') ?? (hasOthers ? 0 : unused)
  const spare = hasOthers ? (numericOption(instance, 'smbcs') ?? 0) : 0
  const untouched = isUnlimited(instance) ? subtract(mbcs.carriersSize.max, mbcs.blocksSize.max) : 0
  return greater(0, lesser(unused, greater(add(main, spare), untouched)))
}

/** Whether blocks of any size go into the instance's multiblock carriers. */
function isUnlimited(instance: AllocatorInstance): boolean {
  const threshold = numericOption(instance, 'sbct')
  return threshold !== undefined && compare(threshold, UNLIMITED) >= 0
}
