/** Every analysis command, of all nodes of a cluster at once: each release, directly and through one of them. */
import { expect, it } from 'vitest'
import { runCli } from '../test/cli/run-cli.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { join, startCluster } from './support/sweep-cluster.ts'

const COMMANDS: readonly (readonly string[])[] = [
  ['sweep'],
  ['diagnose'],
  ['diagnose', '--deep'],
  ['memory'],
  ['fragmentation'],
  ['average-block-sizes'],
  ['sbcs-to-mbcs'],
  ['cache-hit-rates'],
  ['allocators'],
  ['allocators', '--settings'],
  ['carriers'],
]

describeOnEachRelease('a cluster', (release) => {
  it('is asked by every analysis command, directly and through a seed', async () => {
    await using cluster = await startCluster([release, release])
    const [seed, ...others] = cluster.nodes
    if (seed === undefined) throw new Error('no node')
    await join(seed, others, true)
    const env = { BEAMSCOPE_COOKIE: seed.cookie, ERL_EPMD_PORT: `${seed.epmdPort}` }
    for (const [command = '', ...options] of COMMANDS) {
      for (const way of ['--cluster', '--via']) {
        const argv = [command, ...options, way, seed.name]
        const { code, stdout } = await runCli([...argv, '--ndjson'], { env })
        const objects = stdout
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line))
        expect({ argv, code, nodes: objects.map(({ node }) => node).toSorted() }).toEqual({
          argv,
          code: 0,
          nodes: cluster.names.toSorted(),
        })
        const kind = command === 'sweep' ? 'sweep-node' : command
        for (const { beamscope, otp_release } of objects) {
          expect({ beamscope, otp_release }).toEqual({
            beamscope: `${kind}/1`,
            otp_release: `${release}`,
          })
        }
        const text = await runCli(argv, { env })
        expect(text.code).toBe(0)
        for (const name of cluster.names) expect(text.stdout).toContain(name)
      }
    }
  })
})
