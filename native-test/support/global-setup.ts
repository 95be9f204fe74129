/** Once before the native tests: builds the images that are missing, and says what will be skipped. */
import type { TestProject } from 'vitest/node'
import { buildErlangImages, erlangReleases, ImageBuildError } from '../../src/testing/images.ts'
import {
  chooseRelease,
  erlangApplications,
  type Survey,
  surveyReleases,
} from '../../src/testing/releases.ts'
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
  try {
    await buildErlangImages()
  } catch (error) {
    // It has said why; what the images lack is then looked for on PATH.
    if (!(error instanceof ImageBuildError)) throw error
  }
  return surveyReleases()
}

function reportShortfalls(survey: Survey): void {
  for (const release of erlangReleases) {
    const choice = chooseRelease(survey, release)
    const what = choice.where === 'nowhere' ? `OTP ${release}` : `some of OTP ${release}`
    const needs = [
      { applications: erlangApplications },
      { recon: true },
      { isolation: true },
      { ipv6: true },
    ]
    for (const shortfall of new Set(needs.map((it) => shortfallOf(choice, it)))) {
      if (shortfall !== undefined) {
        console.error(`${what} skipped: ${shortfall}`)
      }
    }
  }
}
