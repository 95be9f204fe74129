/** Vitest's `describe`, for what needs a real node of some release. */
import { describe, inject, it } from 'vitest'
import { type ErlangRelease, erlangReleases } from '../../src/testing/images.ts'
import { chooseRelease, type Survey } from '../../src/testing/releases.ts'
import { isRequired, type Needs, shortfallOf } from './requirements.ts'

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
  needs: Needs = {},
): void {
  const choice = chooseRelease(inject('erlangReleases'), release === 'any' ? undefined : release)
  const shortfall = shortfallOf(choice, needs)
  const fullTitle = release === 'any' ? title : `${title}, OTP ${release}`
  describeUnless(shortfall, fullTitle, body)
}

/**
 * Describes what is true unless this machine falls short of it, for the reason given; whoever gives it
 * has printed it too.
 */
export function describeUnless(
  shortfall: string | undefined,
  title: string,
  body: () => void,
): void {
  if (shortfall !== undefined && isRequired()) {
    describe(title, () => {
      it('has what it needs', () => {
        throw new Error(shortfall)
      })
    })
  } else {
    describe.skipIf(shortfall !== undefined)(title, body)
  }
}

/** `describeOnRelease` for each release. */
export function describeOnEachRelease(
  title: string,
  body: (release: ErlangRelease) => void,
  needs: Needs = {},
): void {
  for (const release of erlangReleases) {
    describeOnRelease(release, title, () => body(release), needs)
  }
}
