/**
 * `beamscope demo`: a diagnosis from one end to the other, on a machine without Erlang.
 */
import { relative } from 'node:path'
import { Command } from 'commander'
import { diagnose } from '../../analysis/diagnose.ts'
import { toJson } from '../../analysis/json.ts'
import { Cookie } from '../../dist/cookie.ts'
import { startEpmdServer } from '../../epmd/server.ts'
import { HiddenNode } from '../../node/hidden-node.ts'
import { diagnosisText } from '../../present/diagnosis.ts'
import { jsonText } from '../../present/json.ts'
import { paperOf } from '../../present/paper.ts'
import { probe } from '../../probe/probe.ts'
import { toSnapshot } from '../../probe/raw-snapshot.ts'
import { binarySpikeFile, startReplayNode } from '../../replay/start-replay-node.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { LiveNode } from '../live-node.ts'
import { addOutputOptions, type OutputOptions } from '../options.ts'
import { withSpinner } from '../spinner.ts'
import { about } from '../subject.ts'

interface DemoOptions extends OutputOptions {
  readonly live?: true
}

/** A node of this demonstration, which ends with it; neither your port mapper nor its port is touched. */
type DemoNode = AsyncDisposable & {
  readonly name: string
  readonly cookie: Cookie
  readonly epmdPort: number
}

export function demoCommand(context: Context): Command {
  const command = new Command('demo').description(
    'Starts a node that replays the recording of a real incident, reaches it through EPMD and the ' +
      'handshake over a real socket, and prints the diagnosis. Needs no Erlang, and touches no node ' +
      'of yours.',
  )
  command.option('--live', 'start a real node with the erl on PATH, fragment it, diagnose that')
  addOutputOptions(command, context).action((options: DemoOptions) =>
    about('demo', () => demonstrate(options, context)),
  )
  return addExamples(command, ['beamscope demo', 'beamscope demo --live', 'beamscope demo --json'])
}

async function demonstrate(options: DemoOptions, context: Context): Promise<void> {
  const { signal } = context
  const say = (line: string): void => {
    context.stderr.write(`${line}\n`)
  }
  await using node = options.live ? await startLive(context, say) : await startReplay(signal, say)
  await using client = new HiddenNode({ cookie: node.cookie, epmdPort: node.epmdPort })

  const start = performance.now()
  const remote = await client.connect(node.name, { signal })
  const connected = performance.now()
  const raw = await probe(remote, { signal })
  const probed = performance.now()
  const { bytesReceived } = remote.counters
  say(`joined ${node.name} as a hidden node in ${milliseconds(connected - start)}`)
  say(
    `read its allocators in one round: ${bytesReceived} bytes in ${milliseconds(probed - connected)}\n`,
  )

  const snapshot = toSnapshot(raw)
  const diagnosis = diagnose(snapshot)
  if (options.json) {
    context.stdout.write(jsonText('demo', { ...snapshot, unit: 'byte' }, toJson(diagnosis)))
    return
  }
  const file = relative(process.cwd(), binarySpikeFile)
  const text = diagnosisText(snapshot, diagnosis, {
    paper: paperOf(context.stdout, context.env),
    unit: undefined,
    keyword: undefined,
    label: node.name,
    // The node ends with the demonstration; the recording stays.
    next: (other) =>
      `npx beamscope ${other} ${options.live ? 'rabbit@myhost' : `--snapshot ${file}`}`,
  })
  context.stdout.write(`${text}\n`)
}

async function startReplay(signal: AbortSignal, say: (line: string) => void): Promise<DemoNode> {
  const node = await startReplayNode({ snapshotFile: binarySpikeFile, signal })
  const { name, port, epmdPort, recording } = node
  say(`replaying a node recorded at ${recording.takenAt ?? 'an unknown time'}, port ${port}`)
  return {
    name,
    cookie: new Cookie(node.cookie),
    epmdPort,
    [Symbol.asyncDispose]: () => node.close(),
  }
}

async function startLive(context: Context, say: (line: string) => void): Promise<DemoNode> {
  const epmd = await startEpmdServer()
  try {
    const work = LiveNode.start(epmd.port, { signal: context.signal })
    const node = await withSpinner(context, 'starting an Erlang node and fragmenting it', work)
    say(`started ${node.name}: 40,000 binaries of 4 kB at once, of which every 20th is kept`)
    return {
      name: node.name,
      cookie: node.cookie,
      epmdPort: epmd.port,
      [Symbol.asyncDispose]: async () => {
        await node.close()
        await epmd.close()
      },
    }
  } catch (error) {
    await epmd.close()
    throw error
  }
}

function milliseconds(duration: number): string {
  return `${duration.toFixed(1)} ms`
}
