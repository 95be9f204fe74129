/**
 * The options that many commands have in common.
 */
import { type Command, Option } from 'commander'
import { UNITS, type Unit } from '../analysis/unit.ts'
import { UTIL_ALLOCATORS } from '../analysis/util-allocators.ts'
import { addClusterOptions, type ClusterOptions } from './cluster-options.ts'
import type { Context } from './context.ts'
import { type HostMap, parseDuration, parseMapping, parsePort } from './option-values.ts'
import { parseRecordingTime, type RecordingTime } from './recording-time.ts'

/** How to reach a node. */
export interface ConnectionOptions {
  readonly cookieFile?: string
  readonly cookieStdin?: true
  readonly name?: string
  readonly epmdPort?: number
  readonly port?: number
  readonly map?: HostMap
  readonly tls?: true
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** Milliseconds for the whole command; {@link DEFAULT_TIMEOUT} for one node. */
  readonly timeout?: number
}

/** Milliseconds. */
export const DEFAULT_TIMEOUT = 10_000

/** Of every command that prints a result. */
export interface OutputOptions {
  readonly json?: true
}

/** Which sample of a recording. */
export interface RecordingOptions {
  readonly at?: RecordingTime
  readonly of?: string
}

/** Of every command that takes a snapshot or reads one. */
export interface TargetOptions extends ConnectionOptions, RecordingOptions {
  readonly snapshot?: string
}

/** Of every command that shows a snapshot. */
export interface AnalysisOptions extends TargetOptions, ClusterOptions, OutputOptions {
  readonly unit?: Unit
}

/** Which figures people want to see; JSON always has both. */
export interface KeywordOptions {
  readonly current?: true
  readonly max?: true
}

/** Which allocator is looked at. */
export interface AllocatorOptions {
  readonly allocator?: string
}

/** How much of a long table people want to see; JSON has all of it. */
export interface RowOptions {
  readonly all?: true
}

const CONNECTION_GROUP = 'Connection:'

export function addConnectionOptions(command: Command, timeout?: string): Command {
  for (const option of [
    new Option('--cookie-file <file>', 'file that holds the cookie, readable by its owner alone'),
    new Option('--cookie-stdin', 'read the cookie from standard input'),
    new Option(
      '--name <name@host>',
      'node name of this side (default: 0-beamscope-1 or the next that is free there)',
    ),
    epmdPortOption(),
    new Option('--port <port>', "the node's own port; EPMD is not asked").argParser(parsePort),
    new Option(
      '--map <host=address[:port]>',
      'where a host is really reached; repeatable',
    ).argParser(parseMapping),
    new Option('--tls', 'connect over TLS, as to nodes with -proto_dist inet_tls'),
    new Option('--ca <file>', 'with --tls: whom to trust (default: public authorities)'),
    new Option('--cert <file>', 'with --tls: the certificate of this side'),
    new Option('--key <file>', 'its private key, readable by its owner alone'),
    timeoutOption(timeout),
  ]) {
    command.addOption(option.helpGroup(CONNECTION_GROUP))
  }
  return command
}

export function epmdPortOption(): Option {
  return new Option(
    '--epmd-port <port>',
    "EPMD's port (default: ERL_EPMD_PORT, else 4369)",
  ).argParser(parsePort)
}

export function timeoutOption(byDefault = '10s'): Option {
  return new Option(
    '--timeout <duration>',
    `how long all of it may take: 500 (ms), 500ms, 5s (default: ${byDefault})`,
  ).argParser(parseDuration)
}

export function addOutputOptions(command: Command, context: Context): Command {
  command.option('--json', 'print one JSON object')
  return addVerboseOption(command, context)
}

export function addVerboseOption(command: Command, context: Context): Command {
  command.option('-v, --verbose', 'print causes and stacks of errors')
  // An event, because an error may come before the options have all been read.
  return command.on('option:verbose', () => {
    context.verbose = true
  })
}

/** `[NODE]`, or `--snapshot FILE` in its place. */
export function addTargetOptions(command: Command): Command {
  command.argument('[NODE]', 'node name, as rabbit@myhost')
  return addConnectionOptions(addSnapshotOption(command))
}

/** `[NODE...]` or whatever else names nodes, or `--snapshot FILE` in their place. */
export function addTargetsOptions(command: Command): Command {
  return addNodesOptions(addSnapshotOption(command))
}

/** `[NODE...]`, or whatever else names nodes. */
export function addNodesOptions(command: Command): Command {
  command.argument('[NODE...]', 'node names, as rabbit@myhost')
  return addConnectionOptions(addClusterOptions(command), '10s, 60s for several nodes')
}

export function addSnapshotOption(command: Command): Command {
  command.option(
    '--snapshot <file>',
    "a snapshot file or a recording in NODE's place; - is standard input",
  )
  return addRecordingOptions(command)
}

/** Which sample of a recording is meant. */
export function addRecordingOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--at <time>',
        'of a recording: the last sample until 2026-01-31T12:00Z, 12:00 (UTC, its last day) or -2h ' +
          '(before its end); default: the last one',
      ).argParser(parseRecordingTime),
    )
    .option('--of <node>', 'of a recording of several nodes: this one')
}

export function unitOption(): Option {
  return new Option(
    '--unit <unit>',
    'unit of sizes (default: readable for people, byte in JSON)',
  ).choices(UNITS)
}

export function addKeywordOptions(command: Command): Command {
  return command
    .addOption(new Option('--current', 'show the figures of now alone').conflicts('max'))
    .addOption(new Option('--max', 'show the maxima alone').conflicts('current'))
}

export function addAllocatorOption(
  command: Command,
  names: readonly string[] = UTIL_ALLOCATORS,
): Command {
  return command.addOption(new Option('--allocator <name>', 'this allocator alone').choices(names))
}

export function addAllOption(command: Command): Command {
  return command.option('--all', 'show every row of a long table')
}

/** The keyword that was chosen, `undefined` for both. */
export function keywordOf(options: KeywordOptions): 'current' | 'max' | undefined {
  if (options.current) return 'current'
  return options.max ? 'max' : undefined
}
