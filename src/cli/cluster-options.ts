/**
 * The options of every command that can ask several nodes: which ones, by which way, how many at a time.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { DEFAULT_CONCURRENCY, DEFAULT_NODE_TIMEOUT, MAX_CONCURRENCY } from '../cluster/bounds.ts'
import { parseDuration } from './option-values.ts'

export interface ClusterOptions {
  readonly cluster?: readonly string[]
  readonly hidden?: true
  readonly nodesFile?: string
  readonly epmdHost?: readonly string[]
  readonly dns?: readonly string[]
  readonly srv?: readonly string[]
  readonly alive?: string
  readonly dnsServer?: readonly string[]
  readonly match?: readonly string[]
  readonly exclude?: readonly string[]
  readonly via?: string
  readonly concurrency?: number
  readonly nodeTimeout?: number
  readonly dryRun?: true
  readonly ndjson?: true
}

const GROUP = 'Several nodes:'

export function addClusterOptions(command: Command): Command {
  for (const option of [
    repeatable('--cluster <node>', 'this node and those that it is connected to; repeatable'),
    new Option('--hidden', 'with --cluster: its hidden nodes as well'),
    new Option('--nodes-file <file>', 'a file of node names, one a line; - is standard input'),
    repeatable('--epmd-host <host>', 'all nodes in the port mapper of this host; repeatable'),
    repeatable('--dns <name>', 'all nodes on the addresses of this DNS name; repeatable'),
    repeatable('--srv <name>', 'all nodes on the targets of this SRV name; repeatable'),
    new Option(
      '--alive <name>',
      'with --dns and --srv: the name before the @, so that no port mapper is asked for it',
    ),
    repeatable('--dns-server <address[:port]>', 'ask this DNS server; repeatable'),
    repeatable('--match <pattern>', 'of all these, those like rabbit*@host?; repeatable'),
    repeatable('--exclude <pattern>', 'but for those like this; repeatable'),
    new Option('--via <node>', 'connect to this node alone, which asks the others by erpc'),
    new Option(
      '--concurrency <number>',
      `how many nodes are asked at a time (default: ${DEFAULT_CONCURRENCY})`,
    ).argParser(parseConcurrency),
    new Option(
      '--node-timeout <duration>',
      `how long each node may take (default: ${DEFAULT_NODE_TIMEOUT / 1000}s)`,
    ).argParser(parseDuration),
    new Option('--dry-run', 'print the list of nodes, and do not ask them'),
    new Option(
      '--ndjson',
      'print one JSON object a line, each as soon as its node answers',
    ).conflicts(['json']),
  ]) {
    command.addOption(option.helpGroup(GROUP))
  }
  return command
}

/** Whether several nodes are meant, even if it is one in the end. */
export function isSweep(nodes: readonly string[], options: ClusterOptions): boolean {
  const { cluster, nodesFile, epmdHost, dns, srv, via, dryRun, ndjson } = options
  const given = [cluster, nodesFile, epmdHost, dns, srv, via, dryRun, ndjson]
  return nodes.length > 1 || given.some((it) => it !== undefined)
}

function repeatable(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text, before: readonly string[] = []) => [
    ...before,
    text,
  ])
}

function parseConcurrency(text: string): number {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > MAX_CONCURRENCY)
    throw new InvalidArgumentError(`It is a number from 1 to ${MAX_CONCURRENCY}.`)
  return number
}
