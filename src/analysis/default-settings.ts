/**
 * The settings of a node that was started without any `+M` flag.
 *
 * Measured with `erlang:system_info({allocator, A})` on OTP 23.2, 25.2, 27.3 and 29.1, 64 bits, with 1 to 64
 * schedulers; native-test/settings.test.ts compares them with fresh nodes. The documentation gives other
 * values for several of them, since they are adapted to the number of schedulers.
 *
 * @see https://www.erlang.org/doc/apps/erts/erts_alloc.html#flags
 */
import type { OptionValue } from './snapshot.ts'

export type Settings = Readonly<Record<string, OptionValue>>

/** What the defaults depend on. */
export interface DefaultsOf {
  readonly allocator: string
  readonly instance: number
  /** `"27"`; without one, the defaults that all measured releases have in common. */
  readonly otpRelease: string | undefined
  readonly schedulers: number
}

/** Measured from here to there; 24, 26 and 28 lie between releases that are the same. */
const OLDEST = 23
const NEWEST = 29

/** Since 24 each allocator has a pool of its own; before, all of them share one (`cp`). */
const OWN_POOLS = 24

const KiB = 2 ** 10
const MiB = 2 ** 20

/** How a 64-bit option says that there is no limit. */
export const UNLIMITED: bigint = 2n ** 64n - 1n

const COMMON: Settings = {
  e: true,
  t: true,
  atags: false,
  ramv: false,
  sbct: 512 * KiB,
  asbcst: 4048 * KiB,
  rsbcst: 20,
  rsbcmt: 80,
  rmbcmt: 50,
  mmmbc: UNLIMITED,
  mmsbc: 256,
  mbcgs: 10,
  acful: 0,
  acfml: 0,
}

/** Where blocks of any size go into multiblock carriers. */
const WITHOUT_THRESHOLD: Settings = {
  sbct: UNLIMITED,
  asbcst: 0,
  rsbcst: 0,
  rsbcmt: 0,
  rmbcmt: 0,
  mmsbc: 0,
}

interface Defaults {
  /** What it has other than {@link COMMON}. */
  readonly own: Settings
  /** The main carrier with one scheduler; with more it is smaller. */
  readonly mmbcs: number
  /** From this use on, in percent, a carrier of a scheduler is abandoned; `undefined`: never. */
  readonly acul: number | undefined
  /** How its pool is called. */
  readonly pool: string
}

/** By the allocator, as are the others. */
const DEFAULTS: ReadonlyMap<string, Defaults> = new Map(
  Object.entries<Defaults>({
    binary_alloc: { own: { atags: true }, mmbcs: 128 * KiB, acul: 60, pool: 'B' },
    driver_alloc: { own: { atags: true }, mmbcs: 128 * KiB, acul: 60, pool: 'R' },
    eheap_alloc: { own: { rsbcst: 50 }, mmbcs: 512 * KiB, acul: 45, pool: 'H' },
    ets_alloc: { own: {}, mmbcs: 128 * KiB, acul: 60, pool: 'E' },
    fix_alloc: { own: {}, mmbcs: 128 * KiB, acul: 60, pool: 'F' },
    literal_alloc: {
      own: { ...WITHOUT_THRESHOLD, t: false, as: 'aobf' },
      mmbcs: MiB,
      acul: undefined,
      pool: '',
    },
    ll_alloc: { own: WITHOUT_THRESHOLD, mmbcs: 2 * MiB, acul: 85, pool: 'L' },
    sl_alloc: { own: { rsbcst: 80 }, mmbcs: 128 * KiB, acul: 60, pool: 'S' },
    std_alloc: { own: {}, mmbcs: 128 * KiB, acul: 60, pool: 'D' },
    temp_alloc: {
      own: { rsbcst: 90, rmbcmt: 100 },
      mmbcs: 128 * KiB,
      acul: undefined,
      pool: '',
    },
  }),
)

const OTHERS: ReadonlyMap<string, Settings> = new Map(
  Object.entries<Settings>({
    mseg_alloc: { amcbf: 4 * MiB, rmcbf: 20, mcs: 10 },
    sys_alloc: { e: true, m: 'libc', tt: 128 * KiB, tp: 0 },
    // Of its default_mmap: no super carrier.
    erts_mmap: { scs: 0 },
  }),
)

/**
 * The defaults of one instance, under the names of the options. A name that a release does not know
 * (`acful` before 25.1.2) is among them all the same.
 *
 * `undefined` for an allocator or a release that was not measured.
 */
export function defaultSettings(of: DefaultsOf): Settings | undefined {
  const release = of.otpRelease === undefined ? undefined : Number(of.otpRelease)
  if (release !== undefined && !(release >= OLDEST && release <= NEWEST)) return undefined
  const defaults = DEFAULTS.get(of.allocator)
  if (defaults === undefined) return OTHERS.get(of.allocator)
  return {
    ...COMMON,
    ...sizesOf(of, defaults),
    ...migrationOf(of, defaults, release),
    ...defaults.own,
  }
}

/** `temp_alloc` and `literal_alloc` keep the sizes that the others have with one scheduler. */
function sizesOf({ schedulers }: DefaultsOf, { mmbcs, acul }: Defaults): Settings {
  const parts = acul === undefined ? 1 : Math.min(schedulers, 4)
  return {
    mmbcs: Math.floor(mmbcs / parts),
    smbcs: Math.floor(MiB / parts),
    lmbcs: parts > 1 ? 5 * MiB : 10 * MiB,
  }
}

/** Carriers migrate between the instances of schedulers; the global one has no part in it. */
function migrationOf(
  { allocator, instance }: DefaultsOf,
  { acul, pool }: Defaults,
  release: number | undefined,
): Settings {
  if (allocator === 'temp_alloc') {
    const still = { acul: 0, acnl: 0, cp: 'undefined' }
    return instance === 0 ? { ...still, as: 'gf', mbsd: 3 } : { ...still, as: 'af' }
  }
  if (acul === undefined || instance === 0)
    return { acul: 0, acnl: 0, cp: 'undefined', as: 'aoffcbf' }
  return {
    acul,
    acnl: 1000,
    as: 'aoffcbf',
    ...(release === undefined ? {} : { cp: release >= OWN_POOLS ? pool : '@' }),
  }
}
