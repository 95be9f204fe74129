/** Vitest's `describe`, for what needs a real node of some release. */
import { describe, inject, it } from 'vitest'
import { type ErlangRelease, erlangReleases } from '../../src/testing/images.ts'
import { chooseRelease, type Survey } from '../../src/testing/releases.ts'
import { isRequired, type Needs, shortfallOf } from './requirements.ts'

interface Conditions extends Needs {
  /** Runs its tests beside each other and beside those of other releases: for what mostly waits. */
  readonly concurrent?: boolean
  /** What is missing besides; whoever gives it has printed it too. */
  readonly shortfall?: string | undefined
}

declare module 'vitest' {
  interface ProvidedContext {
    /** By global-setup.ts, once for all files. */
    readonly erlangReleases: Survey
  }
}

/**
 * Describes what is true on a node of this release (`'any'`: whichever there is). Where it cannot run,
 * its tests are skipped, and global-setup.ts has said why; with `BEAMSCOPE_NATIVE=required` one test
 * fails in their place.
 */
export function describeOnRelease(
  release: ErlangRelease | 'any',
  title: string,
  body: () => void,
  conditions: Conditions = {},
): void {
  const choice = chooseRelease(inject('erlangReleases'), release === 'any' ? undefined : release)
  const shortfall = conditions.shortfall ?? shortfallOf(choice, conditions)
  const fullTitle = release === 'any' ? title : `${title}, OTP ${release}`
  describeUnless(shortfall, fullTitle, body, conditions)
}

/**
 * Describes what is true unless this machine falls short of it, for the reason given; whoever gives it
 * has printed it too.
 */
export function describeUnless(
  shortfall: string | undefined,
  title: string,
  body: () => void,
  { concurrent = false }: Pick<Conditions, 'concurrent'> = {},
): void {
  if (shortfall !== undefined && isRequired()) {
    describe(title, () => {
      it('has what it needs', () => {
        throw new Error(shortfall)
      })
    })
  } else {
    describe(title, { concurrent, skip: shortfall !== undefined }, body)
  }
}

/** `describeOnRelease` for each release. */
export function describeOnEachRelease(
  title: string,
  body: (release: ErlangRelease) => void,
  conditions: Conditions = {},
): void {
  for (const release of erlangReleases) {
    describeOnRelease(release, title, () => body(release), conditions)
  }
}
