/** Once before the native tests: builds the images that are missing, and says what will be skipped. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import {
  chooseRelease,
  erlangApplications,
  erlangReleases,
  type Survey,
  surveyReleases,
} from './releases.ts'
import { isRequired, shortfallOf } from './requirements.ts'

export default async function setup(project: TestProject): Promise<void> {
  const survey = await surveyAfterBuilding()
  project.provide('erlangReleases', survey)
  if (!isRequired()) {
    reportShortfalls(survey)
  }
}

async function surveyAfterBuilding(): Promise<Survey> {
  const before = await surveyReleases()
  if (before.images === undefined) {
    return before
  }
  // Its lines go to standard error: data alone stands on standard output.
  const script = fileURLToPath(new URL('../../docker/build-images', import.meta.url))
  await once(spawn(script, ['--quiet'], { stdio: ['ignore', 2, 2] }), 'close')
  return surveyReleases()
}

function reportShortfalls(survey: Survey): void {
  for (const release of erlangReleases) {
    const choice = chooseRelease(survey, release)
    const what = choice.where === 'nowhere' ? `OTP ${release}` : `some of OTP ${release}`
    const needs = [{ applications: erlangApplications }, { recon: true }]
    for (const shortfall of new Set(needs.map((it) => shortfallOf(choice, it)))) {
      if (shortfall !== undefined) {
        console.error(`${what} skipped: ${shortfall}`)
      }
    }
  }
}
