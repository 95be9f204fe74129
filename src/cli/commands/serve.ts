/**
 * `beamscope serve`: a live page, an API and metrics of nodes that are sampled all the time.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import { DEFAULT_LISTEN, type ListenAddress } from '../../serve/listen-address.ts'
import type { ClusterOptions } from '../cluster-options.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { addTargetsOptions, addVerboseOption, type TargetOptions } from '../options.ts'
import { everyOption, intervalOption } from '../sampling-options.ts'

export interface ServeOptions extends TargetOptions, ClusterOptions {
  readonly listen: ListenAddress
  /** Milliseconds. */
  readonly interval: number
  /** Milliseconds. */
  readonly findInterval: number
  readonly instances?: true
  readonly tokenFile?: string
  /** Where to, or what the variables of the SDK say. */
  readonly otlp?: string | true
}

const DEFAULT_INTERVAL = { milliseconds: 10_000, text: '10s' }

/** It goes on for months; a node has better things to do. */
const LEAST_INTERVAL = { milliseconds: 1_000, text: '1s' }

const DEFAULT_FIND_INTERVAL = { milliseconds: 60_000, text: '1m' }

export function serveCommand(context: Context): Command {
  const command = new Command('serve').description(
    'Asks nodes again and again, and serves what they say: a live page for people, JSON for programs, ' +
      'metrics for Prometheus. However many look at it, each node is asked once per interval.',
  )
  addTargetsOptions(addVerboseOption(command, context))
  // It prints nothing of a node.
  command.options.find(({ long }) => long === '--ndjson')?.hideHelp()
  for (const option of [
    new Option('--listen <[address:]port>', 'where to listen')
      .argParser(parseListen)
      .default(DEFAULT_LISTEN, '127.0.0.1:9369'),
    intervalOption(DEFAULT_INTERVAL, LEAST_INTERVAL),
    everyOption(
      '--find-interval <duration>',
      'how often nodes are looked for again, unless all are named',
      DEFAULT_FIND_INTERVAL,
      LEAST_INTERVAL,
    ),
    new Option('--instances', 'metrics by instance of allocators, which are many'),
    new Option(
      '--token-file <file>',
      'file that holds the token without which nobody is let in, readable by its owner alone',
    ),
    new Option(
      '--otlp [url]',
      'also send the metrics to an OpenTelemetry collector, as http://localhost:4318; without a URL to ' +
        'that of OTEL_EXPORTER_OTLP_ENDPOINT',
    ).argParser(parseCollector),
  ]) {
    command.addOption(option.helpGroup('Server:'))
  }
  command.action(async (nodes: readonly string[], options: ServeOptions) => {
    // A server is much to load for a help text.
    const { serveNodes } = await import('../serve-nodes.ts')
    await serveNodes(nodes, options, context)
  })
  return addExamples(
    command,
    [
      'beamscope serve rabbit@myhost',
      'beamscope serve --cluster rabbit@myhost --interval 30s',
      'beamscope serve --snapshot night.recording --of rabbit@myhost',
      'beamscope serve rabbit@myhost --listen 0.0.0.0:9369 --token-file ./token',
      'curl -H "Authorization: Bearer $(cat token)" http://myhost:9369/metrics',
      'curl http://localhost:9369/api/nodes/rabbit@myhost/diagnose',
    ],
    'Under / is the page of each node, under /metrics what Prometheus scrapes, under /api/nodes the ' +
      'list of nodes, and under /api/nodes/NODE/ what these commands print with --json: diagnose, memory, ' +
      'fragmentation, average-block-sizes, sbcs-to-mbcs, cache-hit-rates, allocators, with ?unit=UNIT; ' +
      'besides that history. /healthz answers while the server runs, /readyz when a node has answered lately.' +
      '\n\n' +
      'It listens on this machine alone. Any other address of --listen takes a token, by --token-file or ' +
      'BEAMSCOPE_TOKEN: programs send it as Authorization: Bearer TOKEN, people log in with it at the page. ' +
      'It is never given as an argument, where others would see it. The server speaks no TLS: put a proxy ' +
      'in front where the network in between is not to be trusted.\n\n' +
      'Nodes are found within --timeout, and looked for again every --find-interval: who comes is served ' +
      'as well, who neither answers nor is known to anybody is left out after a quarter of an hour. ' +
      '--node-timeout is for each sample. A node that does not answer is asked again at the next interval. ' +
      'With --snapshot no node is asked: what a snapshot or a recording holds is served as it is.',
  )
}

/** `PORT`, `ADDRESS:PORT` or `[ADDRESS]:PORT`. */
function parseListen(text: string): ListenAddress {
  const { bracketed, plain, port } =
    /^(?:(?:\[(?<bracketed>[^\]]+)\]|(?<plain>[^:[\]]+)):)?(?<port>\d{1,5})$/.exec(text)?.groups ??
    {}
  if (port === undefined || Number(port) > 65_535) {
    throw new InvalidArgumentError('Write it as 9369, 0.0.0.0:9369 or [::1]:9369.')
  }
  return { host: bracketed ?? plain ?? DEFAULT_LISTEN.host, port: Number(port) }
}

/** The URL of a collector, with the path of OTLP where it has none. */
function parseCollector(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('Write it as http://localhost:4318.')
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError(
      'Others would see the password in it; give it by OTEL_EXPORTER_OTLP_HEADERS.',
    )
  }
  if (url.pathname === '/') url.pathname = '/v1/metrics'
  return url.href
}
