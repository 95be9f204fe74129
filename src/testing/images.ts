/** The images that nodes run from: built by docker/build-images, which the package carries. */
import { spawn } from 'node:child_process'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BeamscopeError } from '../errors.ts'
import type { Waiting } from '../net/deadline.ts'
import { createDeadline } from './deadline.ts'
import { ProgramMissingError } from './errors.ts'

/** The OTP releases of which there is an image. */
export const erlangReleases = [23, 25, 27, 29] as const

export type ErlangRelease = (typeof erlangReleases)[number]

export const newestRelease: ErlangRelease = 29

/** Characters, of what a build printed. */
const maxOutput = 10_000

/** An image could not be built. */
export class ImageBuildError extends BeamscopeError {
  override readonly code = 'ERR_IMAGE_BUILD'
  /** The end of what the build printed. */
  readonly output: string

  constructor(output: string) {
    super(`the images cannot be built\n${output}`)
    this.output = output
  }
}

export interface ImageOptions extends Waiting {
  /** All by default. */
  readonly releases?: readonly ErlangRelease[]
  /** Is told what is being built, as it is printed. Standard error by default. */
  readonly report?: (text: string) => void
}

export const imageRepository = 'beamscope/erlang'

/** The image of a release. */
export function imageOf(release: ErlangRelease): string {
  return `${imageRepository}:${release}`
}

const script = fileURLToPath(new URL('../../docker/build-images', import.meta.url))

/** What to type to have this image. */
export function buildCommand(release: ErlangRelease): string {
  return `${relative(process.cwd(), script)} ${release}`
}

const defaultTimeout = 1_800_000

/**
 * Builds the images that are missing, out of Debian's packages: a minute or two per release, once; those
 * that are there cost a tenth of a second. To be called before the tests, in Vitest's `globalSetup` for
 * instance. The time-out is half an hour by default.
 *
 * @throws {ImageBuildError} no Docker engine answers, or a build failed
 * @throws {ProgramMissingError} there is no bash
 * @throws {TimeoutError} it took too long
 */
export async function buildErlangImages(options: ImageOptions = {}): Promise<void> {
  const { releases = erlangReleases, timeout = defaultTimeout, signal } = options
  const report = options.report ?? ((text: string) => process.stderr.write(text))
  if (releases.length === 0) return
  using deadline = createDeadline('building the images', timeout, signal)
  // By name, since not every package manager keeps a file executable.
  const child = spawn('bash', [script, '--quiet', ...releases.map((it) => `${it}`)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: deadline.signal,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-maxOutput)
      report(text)
    })
  }
  await new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => {
      const { aborted, reason } = deadline.signal
      reject(aborted ? reason : new ProgramMissingError('bash', { cause }))
    })
    child.once('close', (status) => {
      if (status === 0) resolve()
      else reject(new ImageBuildError(output.trim()))
    })
  })
}
