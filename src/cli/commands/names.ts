/**
 * `beamscope names`: what a port mapper knows.
 */
import { hostname } from 'node:os'
import { Command } from 'commander'
import { toJson } from '../../analysis/json.ts'
import { names } from '../../epmd/client.ts'
import { defaultEpmdPort } from '../../epmd/default-port.ts'
import { jsonText } from '../../present/json.ts'
import { namesText } from '../../present/names.ts'
import { paperOf } from '../../present/paper.ts'
import { printable } from '../../present/printable.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { nextCommand } from '../next-command.ts'
import {
  addOutputOptions,
  DEFAULT_TIMEOUT,
  epmdPortOption,
  type OutputOptions,
  timeoutOption,
} from '../options.ts'
import { withSpinner } from '../spinner.ts'
import { about } from '../subject.ts'
import { UsageError } from '../usage-error.ts'

interface NamesOptions extends OutputOptions {
  readonly epmdPort?: number
  readonly timeout?: number
}

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1'])

/** The host in the names of this machine's nodes, if they were started with `-sname`. */
function shortHostname(): string {
  return hostname().split('.')[0] ?? 'localhost'
}

export function namesCommand(context: Context): Command {
  const command = new Command('names')
    .description('Lists the nodes that are registered in the port mapper (EPMD) of a host.')
    .argument('[HOST]', 'host name or address', 'localhost')
  addOutputOptions(command, context).addOption(epmdPortOption()).addOption(timeoutOption())
  command.action((host: string, options: NamesOptions) =>
    about(host, async () => {
      if (host.includes('@')) {
        throw new UsageError(`${printable(host)} is a node name, not a host`, {
          hint: `names takes the part behind the @; ping takes a node name`,
        })
      }
      const { epmdPort, timeout = DEFAULT_TIMEOUT } = options
      const port = epmdPort ?? defaultEpmdPort(context.env)
      const takenAt = new Date().toISOString()
      const work = names({ host, port, timeout, signal: context.signal })
      const found = await withSpinner(context, `asking the port mapper of ${host}`, work)
      const next = (name: string): string =>
        nextCommand('ping', `${name}@${LOOPBACK.has(host) ? shortHostname() : host}`, {
          timeout,
          ...(epmdPort === undefined ? {} : { epmdPort }),
        })
      context.stdout.write(
        options.json
          ? jsonText('names', { takenAt }, toJson(found))
          : `${namesText(host, found, next, paperOf(context.stdout, context.env))}\n`,
      )
    }),
  )
  return addExamples(
    command,
    ['beamscope names', 'beamscope names myhost --epmd-port 14369', 'beamscope names --json'],
    'A node name is the name here, an @, and the host by which the node calls itself. Nodes ' +
      'that run without EPMD are not listed.',
  )
}
