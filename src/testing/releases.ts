/** Which OTP releases this machine can run, in Docker or from PATH. */
import { delimiter } from 'node:path'
import {
  buildCommand,
  type ErlangRelease,
  erlangReleases,
  imageOf,
  imageRepository,
  newestRelease,
} from './images.ts'
import { runProgram } from './program.ts'

/** Beyond kernel and stdlib: every image has them, many a PATH has not. */
export const erlangApplications = ['os_mon', 'runtime_tools', 'ssl', 'tools'] as const

export type ErlangApplication = (typeof erlangApplications)[number]

/** What was found; plain data, so that Vitest can hand it to its workers. */
export interface Survey {
  /** The releases whose image is there, or `undefined` if no Docker engine answers. */
  readonly images: readonly ErlangRelease[] | undefined
  /** Looked for only where Docker lacks a release: this takes half a second. */
  readonly onPath: OnPath | undefined
}

interface OnPath {
  readonly release: number
  readonly applications: readonly ErlangApplication[]
  /** PATH, and the folder of this release that has `epmd` and `erl_call`. */
  readonly searchPath: string
}

/** Where a release runs, or why it does not. */
export type Choice =
  | { readonly where: 'docker'; readonly release: ErlangRelease; readonly image: string }
  | ({ readonly where: 'path' } & OnPath)
  | { readonly where: 'nowhere'; readonly reason: string; readonly hint: string }

const surveyTimeout = 10_000

/** Asks Docker and PATH now; throws nothing, what does not answer is not there. */
export async function surveyReleases(): Promise<Survey> {
  const images = await listImages()
  const complete = images !== undefined && erlangReleases.every((it) => images.includes(it))
  return { images, onPath: complete ? undefined : await findOnPath() }
}

/** The releases that `startErlangNode` can start, ascending. */
export async function availableReleases(): Promise<readonly number[]> {
  const { images = [], onPath } = await surveyReleases()
  const releases = new Set<number>(images)
  if (onPath !== undefined) {
    releases.add(onPath.release)
  }
  return [...releases].sort((a, b) => a - b)
}

/** Docker before PATH; without a `release` the newest that Docker has, else the one on PATH. */
export function chooseRelease(survey: Survey, release?: ErlangRelease): Choice {
  const { images, onPath } = survey
  const inDocker = release === undefined ? images?.at(-1) : images?.find((it) => it === release)
  if (inDocker !== undefined) {
    return { where: 'docker', release: inDocker, image: imageOf(inDocker) }
  }
  if (onPath !== undefined && (release === undefined || onPath.release === release)) {
    return { where: 'path', ...onPath }
  }
  const otherOnPath = onPath && `erl on PATH is OTP ${onPath.release}`
  if (images === undefined) {
    return {
      where: 'nowhere',
      reason: ['no Docker engine answers', ...(otherOnPath ? [otherOnPath] : [])].join(' and '),
      hint: `start one, or put ${release === undefined ? 'erl' : `erl of OTP ${release}`} on PATH`,
    }
  }
  const wanted = release ?? newestRelease
  return {
    where: 'nowhere',
    reason: `Docker has no image ${imageOf(wanted)}`,
    hint: `run ${buildCommand(wanted)}`,
  }
}

export const reconMissing = {
  reason: 'recon is not there',
  hint: 'start a Docker engine, or set BEAMSCOPE_RECON_EBIN to the folder of its compiled modules',
} as const

export const isolationMissing = {
  reason: 'a node from PATH cannot be isolated',
  hint: 'start a Docker engine that has the image of its release',
} as const

/** The folder of recon's compiled modules there, `undefined` if there is none. */
export function reconFolder(choice: Choice): string | undefined {
  switch (choice.where) {
    case 'docker':
      return '/opt/recon/ebin' // docker/erlang/Dockerfile
    case 'path':
      return process.env.BEAMSCOPE_RECON_EBIN
    case 'nowhere':
      return undefined
  }
}

async function listImages(): Promise<readonly ErlangRelease[] | undefined> {
  try {
    const { status, stdout } = await runProgram(
      ['docker', 'image', 'ls', '--format', '{{.Tag}}', imageRepository],
      { timeout: surveyTimeout },
    )
    const tags = stdout.split('\n')
    return status === 0 ? erlangReleases.filter((it) => tags.includes(`${it}`)) : undefined
  } catch {
    return undefined
  }
}

async function findOnPath(): Promise<OnPath | undefined> {
  try {
    const { status, stdout } = await runProgram(
      ['erl', '-noinput', '-boot', 'start_clean', '-eval', introduction],
      { timeout: surveyTimeout },
    )
    const [, release, names = '', folder] = /^(\d+) (\S*) (.+)$/.exec(stdout) ?? []
    if (status !== 0 || release === undefined || folder === undefined) {
      return undefined
    }
    const installed = names.split(',')
    return {
      release: Number(release),
      applications: erlangApplications.filter((it) => installed.includes(it)),
      searchPath: [process.env.PATH ?? '', folder].join(delimiter),
    }
  } catch {
    return undefined
  }
}

/** Prints the release, the applications that are installed, and the folder of the programs. */
const introduction = `
  Installed = [atom_to_list(It) || It <- [${erlangApplications}], is_list(code:lib_dir(It))],
  Programs = filename:join([code:root_dir(), "erts-" ++ erlang:system_info(version), "bin"]),
  io:format("~s ~s ~s", [erlang:system_info(otp_release), lists:join($,, Installed), Programs]),
  halt().
`
