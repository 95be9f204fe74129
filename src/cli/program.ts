/**
 * The command line as a whole: which commands there are, and the running of one.
 */
import { Command } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { printableLines } from '../present/printable.ts'
import type { Context } from './context.ts'
import { EXIT_CODES_HELP } from './exit-code.ts'
import { addVerboseOption } from './options.ts'
import { report } from './report.ts'

/** A command before it is loaded. */
interface Entry {
  readonly name: string
  readonly group: string
  /** For the list of commands. */
  readonly summary: string
  /** Only the command that runs is loaded, and what it needs with it. */
  load(context: Context): Promise<Command>
}

const GROUP = {
  diagnosis: 'Diagnosis:',
  overTime: 'Over time, and for people who would rather look than read:',
  recon: "Figures of recon, by recon's names:",
  snapshots: 'Snapshots:',
  nodes: 'Nodes:',
  other: 'Other:',
} as const

const ENTRIES: readonly Entry[] = [
  {
    name: 'demo',
    group: GROUP.diagnosis,
    summary: 'diagnose the recording of a real incident; needs no Erlang',
    load: async (context) => (await import('./commands/demo.ts')).demoCommand(context),
  },
  {
    name: 'diagnose',
    group: GROUP.diagnosis,
    summary: 'say where the memory went, why, and what to try',
    load: async (context) => (await import('./commands/diagnose.ts')).diagnoseCommand(context),
  },
  {
    name: 'sweep',
    group: GROUP.diagnosis,
    summary: 'diagnose all nodes of a cluster at once, the worst first',
    load: async (context) => (await import('./commands/sweep.ts')).sweepCommand(context),
  },
  {
    name: 'carriers',
    group: GROUP.diagnosis,
    summary: 'how full each carrier is, and which blocks keep the sparse ones',
    load: async (context) => (await import('./commands/carriers.ts')).carriersCommand(context),
  },
  {
    name: 'watch',
    group: GROUP.overTime,
    summary: 'look at nodes live, in the terminal',
    load: async (context) => (await import('./commands/watch.ts')).watchCommand(context),
  },
  {
    name: 'record',
    group: GROUP.overTime,
    summary: 'sample nodes at an interval into one file, which every command reads',
    load: async (context) => (await import('./commands/record.ts')).recordCommand(context),
  },
  {
    name: 'report',
    group: GROUP.overTime,
    summary: 'say all of a node in one HTML file',
    load: async (context) => (await import('./commands/report.ts')).reportCommand(context),
  },
  {
    name: 'serve',
    group: GROUP.overTime,
    summary: 'the same as a live page, with a JSON API and metrics',
    load: async (context) => (await import('./commands/serve.ts')).serveCommand(context),
  },
  {
    name: 'memory',
    group: GROUP.recon,
    summary: 'used, allocated, unused, usage; by allocator and by instance',
    load: async (context) => (await import('./commands/memory.ts')).memoryCommand(context),
  },
  {
    name: 'fragmentation',
    group: GROUP.recon,
    summary: 'which instances hold much and use little of it',
    load: async (context) =>
      (await import('./commands/fragmentation.ts')).fragmentationCommand(context),
  },
  {
    name: 'average-block-sizes',
    group: GROUP.recon,
    summary: 'how large blocks are, by allocator',
    load: async (context) =>
      (await import('./commands/average-block-sizes.ts')).averageBlockSizesCommand(context),
  },
  {
    name: 'sbcs-to-mbcs',
    group: GROUP.recon,
    summary: 'how many blocks have a carrier of their own',
    load: async (context) =>
      (await import('./commands/sbcs-to-mbcs.ts')).sbcsToMbcsCommand(context),
  },
  {
    name: 'cache-hit-rates',
    group: GROUP.recon,
    summary: 'how often a segment comes from the cache',
    load: async (context) =>
      (await import('./commands/cache-hit-rates.ts')).cacheHitRatesCommand(context),
  },
  {
    name: 'allocators',
    group: GROUP.recon,
    summary: 'everything that the allocators say of themselves',
    load: async (context) => (await import('./commands/allocators.ts')).allocatorsCommand(context),
  },
  {
    name: 'snapshot',
    group: GROUP.snapshots,
    summary: 'save a snapshot in a file, show what one holds, compare two',
    load: async (context) => (await import('./commands/snapshot.ts')).snapshotCommand(context),
  },
  {
    name: 'names',
    group: GROUP.nodes,
    summary: 'the nodes that are registered on a host',
    load: async (context) => (await import('./commands/names.ts')).namesCommand(context),
  },
  {
    name: 'ping',
    group: GROUP.nodes,
    summary: 'whether a node can be reached, and if not, why',
    load: async (context) => (await import('./commands/ping.ts')).pingCommand(context),
  },
  {
    name: 'call',
    group: GROUP.nodes,
    summary: 'call a function on a node',
    load: async (context) => (await import('./commands/call.ts')).callCommand(context),
  },
  {
    name: 'completion',
    group: GROUP.other,
    summary: 'print the completion script of a shell',
    load: async () => (await import('./commands/completion.ts')).completionCommand(),
  },
]

/** What the scripts of `completion` call; it needs all the others, and is none of them. */
const COMPLETE: Entry = {
  name: 'complete',
  group: GROUP.other,
  summary: '',
  load: async (context) =>
    (await import('./commands/completion.ts')).completeCommand(() => createWholeProgram(context)),
}

/** Runs a command line, without the program's own name; returns the exit code. */
export async function run(argv: readonly string[], context: Context): Promise<number> {
  if (context.env.BEAMSCOPE_DEBUG === '1') context.verbose = true
  try {
    const program = createProgram(context)
    for (const entry of wanted(argv)) {
      program.addCommand(
        isNamed(argv, entry.name) ? await load(entry, program, context) : stub(entry),
      )
    }
    if (isNamed(argv, COMPLETE.name)) {
      program.addCommand(await load(COMPLETE, program, context), { hidden: true })
    }
    await program.parseAsync(argv, { from: 'user' })
    return context.exitCode
  } catch (error) {
    return report(error, context)
  }
}

/** The command that stands first, beside which no other matters; else all, for the help and suggestions. */
function wanted(argv: readonly string[]): readonly Entry[] {
  const first = ENTRIES.find(({ name }) => name === argv[0])
  return first === undefined ? ENTRIES : [first]
}

/** Whether the command may be meant: it stands first, or after `help`. */
function isNamed(argv: readonly string[], name: string): boolean {
  const words = argv.filter((word) => !word.startsWith('-'))
  return words[0] === name || (words[0] === 'help' && words[1] === name)
}

/** With every command but `completion`, which the library for completion adds itself. */
export async function createWholeProgram(context: Context): Promise<Command> {
  const program = createProgram(context)
  for (const entry of ENTRIES) {
    if (entry.group !== GROUP.other) program.addCommand(await load(entry, program, context))
  }
  describeBriefly(program)
  return program
}

/** Shells show one line of a description. */
function describeBriefly(command: Command): void {
  for (const child of command.commands) {
    child.description(child.summary() || child.description())
    describeBriefly(child)
  }
}

async function load(entry: Entry, program: Command, context: Context): Promise<Command> {
  const command = await entry.load(context)
  adopt(program, command)
  return command.summary(entry.summary).helpGroup(entry.group)
}

/** What stands in the list of commands for one that is not loaded. */
function stub({ name, summary, group }: Entry): Command {
  return new Command(name).summary(summary).description(summary).helpGroup(group)
}

/** Settings are inherited by commands that the parent creates itself, not by those it is given. */
function adopt(parent: Command, child: Command): void {
  child.copyInheritedSettings(parent)
  for (const grandchild of child.commands) adopt(child, grandchild)
}

function createProgram(context: Context): Command {
  const program = new Command('beamscope')
    .description(
      'See where the memory of a BEAM node went, with nothing installed on the node: beamscope joins ' +
        'the cluster as a hidden node, reads the allocators in one round, and says what is wrong.',
    )
    .version(manifest.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(printableLines(text)),
      outputError: (text, write) => write(text.replace(/^error: /, 'beamscope: ')),
      getOutHelpWidth: () => context.stdout.columns || HELP_WIDTH,
      getErrHelpWidth: () => context.stderr.columns || HELP_WIDTH,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showHelpAfterError('(--help says more)')
    .addHelpText('after', HELP)
  program.addHelpCommand(
    new Command('help')
      .argument('[command]')
      .description('print the help of a command')
      .helpGroup(GROUP.other),
  )
  return addVerboseOption(program, context)
}

const HELP_WIDTH = 80

const HELP = `
Start with:
  $ beamscope demo
  $ beamscope names
  $ beamscope diagnose rabbit@myhost

The cookie comes from --cookie-file, --cookie-stdin or BEAMSCOPE_COOKIE, else
from ~/.erlang.cookie as on every Erlang node. It is never given as an argument,
where others would see it.

Environment:
  BEAMSCOPE_COOKIE   the cookie
  BEAMSCOPE_TOKEN    the token of serve, as --token-file
  BEAMSCOPE_DEBUG=1  print causes and stacks of errors, as --verbose does
  ERL_EPMD_PORT      EPMD's port, as --epmd-port
  NO_COLOR, FORCE_COLOR

${EXIT_CODES_HELP}`
