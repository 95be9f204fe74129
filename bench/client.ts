/**
 * A worker that is connected to a node.
 */
import type { BeamNode } from './beam.ts'
import type { Worker, Workers } from './worker.ts'

export async function connectClient(workers: Workers, { node }: BeamNode): Promise<Worker> {
  const { name, cookie, epmdPort } = node
  const worker = workers.start('client-worker')
  await worker.ask('connect', name, { cookie, epmdPort })
  return worker
}
