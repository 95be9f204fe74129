/**
 * A process that is many nodes: each answers from the same recording, and all have one port mapper.
 */
import type { Address } from './client-worker.ts'
import { load } from './product.ts'
import { serve } from './worker.ts'

/** Of EPMD: the versions of the protocol that all these nodes speak. */
const DISTRIBUTION_VERSION = 6

/** Clients of the BEAM ask the port mapper for all nodes at once. */
const MAX_CONNECTIONS = 4_096

/** No wait of a client's ends before the benchmark's own. */
const IDLE_TIMEOUT = 60_000

serve({
  /** They end with this process. */
  async start(
    count: number,
    file: string,
    cookie: string,
  ): Promise<{ readonly names: readonly string[]; readonly address: Address }> {
    const [{ readSnapshotFile }, { ReplayNode }, { startEpmdServer }, { Cookie }] =
      await Promise.all([
        load.snapshotFile(),
        load.replayNode(),
        load.epmdServer(),
        load.beamscope(),
      ])
    const { raw: recording } = await readSnapshotFile(file)
    const epmd = await startEpmdServer({
      maxConnections: MAX_CONNECTIONS,
      idleTimeout: IDLE_TIMEOUT,
    })
    const names: string[] = []
    for (let number = 1; number <= count; number++) {
      const alive = `replay-${number}`
      const name = `${alive}@127.0.0.1`
      const node = await ReplayNode.start({ name, cookie: new Cookie(cookie), recording })
      epmd.register({
        name: alive,
        port: node.port,
        kind: 'hidden',
        protocol: 0,
        highestVersion: DISTRIBUTION_VERSION,
        lowestVersion: DISTRIBUTION_VERSION,
        extra: new Uint8Array(),
      })
      names.push(name)
    }
    return { names, address: { cookie, epmdPort: epmd.port } }
  },
})
