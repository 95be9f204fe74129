/**
 * A day of a real node in a recording, within seconds: as many samples as a day has minutes are taken as fast as the
 * node answers, and each says that it was taken a minute after the one before.
 */
import { Cookie } from '../../src/dist/cookie.ts'
import { atom, tuple } from '../../src/etf/build.ts'
import { openRecording } from '../../src/history/recording-writer.ts'
import { HiddenNode } from '../../src/node/hidden-node.ts'
import type { RemoteNode } from '../../src/node/remote-node.ts'
import { probe } from '../../src/probe/probe.ts'
import type { RawSnapshot } from '../../src/probe/raw-snapshot.ts'
import type { ErlangNode } from '../../src/testing/index.ts'

const MINUTE = 60_000
const MINUTES_OF_DAY = 1_440

/** When the days of these tests begin. */
export const MIDNIGHT: number = Date.parse('2026-01-31T00:00:00.000Z')

export type Doing = (index: number, remote: RemoteNode) => Promise<unknown> | undefined

export interface RecordedDayOptions {
  /** When the first sample is said to be taken, in milliseconds since 1970: {@link MIDNIGHT} by default. */
  readonly start?: number
  /** Milliseconds that are said to be between two samples: a minute by default. */
  readonly interval?: number
  /** How many there are: as many as a day has minutes by default. */
  readonly samples?: number
  /** What the node does right before the sample of that number, if anything. */
  readonly before?: Doing
  /** What becomes of each before it is written. */
  readonly change?: (raw: RawSnapshot) => RawSnapshot
}

export interface RecordedDay {
  readonly file: string
  readonly node: string
  /** Of the first sample and of the last, in milliseconds since 1970. */
  readonly from: number
  readonly to: number
  readonly samples: number
  /** Of the file. */
  readonly bytes: number
}

/** Records a node into a new file. */
export async function recordDay(
  node: ErlangNode,
  file: string,
  options: RecordedDayOptions = {},
): Promise<RecordedDay> {
  const {
    start = MIDNIGHT,
    interval = MINUTE,
    samples = MINUTES_OF_DAY,
    before = () => undefined,
    change = (raw) => raw,
  } = options
  await using client = new HiddenNode({ cookie: new Cookie(node.cookie), epmdPort: node.epmdPort })
  const remote = await client.connect(node.name)
  await using recording = await openRecording(file)
  const timeOf = (index: number): number => start + index * interval
  for (let index = 0; index < samples; index++) {
    await before(index, remote)
    const raw = await probe(remote)
    const takenAt = new Date(timeOf(index)).toISOString()
    await recording.append(change({ ...raw, takenAt }))
  }
  const { size: bytes } = recording
  return { file, node: node.name, from: start, to: timeOf(samples - 1), samples, bytes }
}

/**
 * A spike at noon, as `beamscope demo --live` makes one: at 12:05 the node takes 40,000 binaries of 4 kB at once; at
 * 12:30 it lets go of all but every 20th, each of which pins its carrier.
 */
export function spikeAtNoon(node: ErlangNode): Doing {
  return (index) => {
    if (index === NOON + 5) return node.evaluate(SPIKE)
    return index === NOON + 30 ? node.evaluate(FALL) : undefined
  }
}

/** By the number of the sample, a minute each from midnight. */
const NOON = 12 * 60

const SPIKE = `
  Self = self(),
  Holder = spawn(fun() ->
    Hold = fun Hold(Kept) ->
      erlang:garbage_collect(),
      receive {change, Change, From} -> New = Change(Kept), From ! held, Hold(New) end
    end,
    Hold([])
  end),
  register(spike, Holder),
  Holder ! {change, fun(_) ->
    [{I, binary:copy(<<I:32>>, 1024)} || I <- lists:seq(1, 40000)]
  end, Self},
  receive held -> ok end`

/** The answer to the second change comes after the collection that follows the first. */
const FALL = `
  Self = self(),
  spike ! {change, fun(Kept) -> [Each || {I, _} = Each <- Kept, I rem 20 =:= 0] end, Self},
  receive held -> ok end,
  spike ! {change, fun(Kept) -> Kept end, Self},
  receive held -> ok end`

/** What each row of {@link leak} takes in a table of a 64-bit node, and a little more. Bytes. */
export const LEAKED_ROW: number = 1_100

/** A leak: before each sample so many rows go into a table that nobody empties. */
export function leak(node: ErlangNode, rows: number): Doing {
  const value = Array.from({ length: 64 }, () => 1_000)
  return (index, remote) => {
    if (index === 0) return node.evaluate(TABLE)
    const added = Array.from({ length: rows }, (_, row) => tuple(index * rows + row, value))
    return remote.call('ets', 'insert', [atom('leak'), added])
  }
}

const TABLE = `
  Self = self(),
  spawn(fun() ->
    ets:new(leak, [named_table, public]),
    Self ! ready,
    receive stop -> ok end
  end),
  receive ready -> ok end`
