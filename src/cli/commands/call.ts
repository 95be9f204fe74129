/**
 * `beamscope call`: a function on a node.
 */
import { Command } from 'commander'
import { formatTerm } from '../../etf/format.ts'
import { parseCall } from '../../etf/parse.ts'
import { jsonText } from '../../present/json.ts'
import { paperOf } from '../../present/paper.ts'
import { printable, printableTerm } from '../../present/printable.ts'
import { withNode } from '../connect.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import {
  addConnectionOptions,
  addOutputOptions,
  type ConnectionOptions,
  type OutputOptions,
} from '../options.ts'
import { withSpinner } from '../spinner.ts'
import { about } from '../subject.ts'

export function callCommand(context: Context): Command {
  const command = new Command('call')
    .description(
      'Calls a function on a node and prints what it returns as an Erlang term. Of all commands ' +
        'this one may change what the node does: it runs what you write.',
    )
    .argument('<NODE>', 'node name, as rabbit@myhost')
    .argument('<CALL>', "Module:Function(Arguments), as 'erlang:system_info(otp_release)'")
  addConnectionOptions(addOutputOptions(command, context))
  command.action((node: string, text: string, options: ConnectionOptions & OutputOptions) =>
    about(node, () => call(node, text, options, context)),
  )
  return addExamples(
    command,
    [
      "beamscope call rabbit@myhost 'erlang:system_info(otp_release)'",
      "beamscope call rabbit@myhost 'erlang:process_info(<0.42.0>, memory)'",
      "beamscope call rabbit@myhost 'erlang:memory()' --json | jq -r .data.term",
    ],
    'Arguments are terms: there are no variables, operators or nested calls. --json has the ' +
      'result under "term", as the text of an Erlang term on one line. What the function ' +
      'raises is printed on standard error, with exit code 5.',
  )
}

async function call(
  node: string,
  text: string,
  options: ConnectionOptions & OutputOptions,
  context: Context,
): Promise<void> {
  // What is wrong with the text is said before anything is connected; pids are read again below.
  parseCall(text, { node: { name: node, creation: 0 } })
  const takenAt = new Date().toISOString()
  const paper = paperOf(context.stdout, context.env)
  const work = withNode(node, options, context, async ({ remote, left }) => {
    const identity = { name: node, creation: remote.connected.peer.creation }
    const { module, function: name, arguments: args } = parseCall(text, { node: identity })
    context.stderr.write(`${printable(`${node} runs ${module}:${name}/${args.length}`)}\n`)
    return { term: await remote.call(module, name, args, left()), identity }
  })
  const { term, identity } = await withSpinner(context, `waiting for ${node}`, work)
  context.stdout.write(
    options.json
      ? jsonText('call', { node, takenAt }, { term: formatTerm(term, { node: identity }) })
      : `${printableTerm(formatTerm(term, { layout: 'pretty', width: paper.width, node: identity }))}\n`,
  )
}
