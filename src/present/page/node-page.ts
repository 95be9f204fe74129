/**
 * What a page shows of a node.
 */
import type { CarrierReport } from '../../analysis/carriers.ts'
import type { Diagnosis } from '../../analysis/diagnose.ts'
import type { Holders } from '../../analysis/holders.ts'
import type { Snapshot } from '../../analysis/snapshot.ts'
import type { Moment } from '../../analysis/timeline.ts'

export interface NodePage {
  /** For people: the node's name, or the file's. */
  readonly label: string
  readonly snapshot: Snapshot
  readonly diagnosis: Diagnosis
  /** In order of time; what is drawn, if there are two at least. */
  readonly moments: readonly Moment[]
  /** Of a scan of its carriers, if there was one. */
  readonly carriers?: readonly CarrierReport[] | undefined
  /** Who holds memory, if that was asked. */
  readonly holders?: Holders | undefined
  /** The command line that asks the same node another question. */
  next(command: string): string
}
