/** Images that single tests need besides those of OTP. */
import { fileURLToPath } from 'node:url'
import { runProgram } from '../../src/testing/program.ts'

/** `beamscope/compiler` and so on; `beamscope/beamscope` is beamscope itself. */
export type ExtraImage = 'compiler' | 'rabbitmq' | 'beamscope' | 'prometheus' | 'victoriametrics'

const script = fileURLToPath(new URL('../../docker/build-images', import.meta.url))

/** Builds the image, unless it is there; says why it cannot. */
export async function whyNoImage(image: ExtraImage): Promise<string | undefined> {
  const engine = await runProgram(['docker', 'info'], { timeout: 10_000 }).catch(() => undefined)
  if (engine?.status !== 0) return 'no Docker engine answers; start one'
  const build = await runProgram(['bash', script, '--quiet', image], { timeout: 600_000 })
  return build.status === 0 ? undefined : `its image cannot be built: ${build.stderr.trim()}`
}
