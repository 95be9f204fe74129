/**
 * Asks a node for the value of an expression, through Erlang's own tools beside the node: `erl_call`, an
 * implementation of the distribution protocol in C, or, where the node needs more than `erl_call` can
 * (TLS for instance), an `erl` of the same release.
 *
 * What goes there and what comes back is Base64, so that neither tool's reading and printing can change
 * it: `erl_call` takes bytes for characters, and cuts long binaries short.
 */
import type { Waiting } from '../net/deadline.ts'
import { EvaluationError, ProgramTimeoutError } from './errors.ts'
import type { Place } from './place.ts'
import { type Command, type ProgramResult, runProgram } from './program.ts'

export interface EvaluationTarget {
  readonly name: string
  readonly port: number
  readonly place: Place
  readonly distributionArguments: readonly string[]
  readonly logs: () => string
}

const defaultTimeout = 30_000

/** Beyond the tool's own time-out, which ends it beside the node; ours ends Docker's client here. */
const graceTimeout = 2_000

/** What Docker says of a program that SIGALRM (14) ended, as `erl_call -timeout` does. */
const alarmStatus = 128 + 14

let evaluators = 0

export async function evaluateOn(
  target: EvaluationTarget,
  expression: string,
  waiting: Waiting,
): Promise<string> {
  const { timeout = defaultTimeout, signal } = waiting
  const seconds = Math.ceil(timeout / 1000)
  const failed = (reason: string, cause?: unknown): EvaluationError =>
    new EvaluationError(target.name, expression, reason, target.logs(), { cause })

  const input = `${request(expression)}.\n`

  let result: ProgramResult
  try {
    result = await runProgram(target.place.wrap(toolCommand(target, seconds)), {
      ...(target.place.environment && { environment: target.place.environment }),
      input,
      timeout: seconds * 1000 + graceTimeout,
      signal,
    })
  } catch (error) {
    throw error instanceof ProgramTimeoutError ? failed(`no answer in ${seconds} s`, error) : error
  }

  const reply = /^\{ok, ?(\[.*\])\}\s*$/s.exec(result.stdout)?.[1]
  if (reply === undefined) {
    if (result.status === null || result.status === alarmStatus) {
      throw failed(`no answer in ${seconds} s`)
    }
    // erl_call repeats what it was given.
    const complaint = `${result.stdout}${result.stderr}`.replace(input.trimEnd(), '…').trim()
    throw failed(complaint || `no answer (status ${result.status})`)
  }
  const base64 = Array.from(reply.matchAll(/"([^"]*)"/g), ([, chunk]) => chunk).join('')
  const [outcome, text] = splitAtFirst(Buffer.from(base64, 'base64').toString(), ' ')
  if (outcome !== 'value') {
    throw failed(text)
  }
  return text
}

/** Puts the expressions into one that answers with `value TEXT` or `failure TEXT`, as lists of Base64. */
function request(expression: string): string {
  const source = Buffer.from(`${expression.trim().replace(/(?<!\$)\.$/, '')}\n.`).toString('base64')
  // Longer strings than 65,535 bytes travel, and are printed, as lists of numbers (STRING_EXT).
  return `
    Source = unicode:characters_to_list(base64:decode("${source}")),
    Parsed =
      case erl_scan:string(Source) of
        {ok, Tokens, _} -> erl_parse:parse_exprs(Tokens);
        {error, ScanError, _} -> {error, ScanError}
      end,
    Outcome =
      case Parsed of
        {error, {_, Module, Description}} ->
          ["failure ", Module:format_error(Description)];
        {ok, Expressions} ->
          try
            {value, Value, _} = erl_eval:exprs(Expressions, []),
            ["value ", io_lib:format("~0tp", [Value])]
          catch
            Class:Reason -> ["failure ", io_lib:format("~0tp:~0tp", [Class, Reason])]
          end
      end,
    Chunks =
      fun Chunks(<<Chunk:60000/binary, Rest/binary>>) -> [binary_to_list(Chunk) | Chunks(Rest)];
          Chunks(Rest) -> [binary_to_list(Rest)]
      end,
    Chunks(base64:encode(unicode:characters_to_binary(Outcome)))
  `.replaceAll('\n', ' ')
}

function toolCommand(target: EvaluationTarget, seconds: number): Command {
  const { name, port, distributionArguments } = target
  if (distributionArguments.length === 0) {
    // By address, so that the host in the node's name need not exist.
    return ['erl_call', '-address', `127.0.0.1:${port}`, '-r', '-timeout', `${seconds}`, '-e']
  }
  evaluators += 1
  return [
    'erl',
    '-noshell',
    '-boot',
    'start_clean',
    '-name',
    `evaluation-${process.pid}-${evaluators}@127.0.0.1`,
    '-hidden',
    '-dist_listen',
    'false',
    '-start_epmd',
    'false',
    ...distributionArguments,
    '-eval',
    `
      {ok, _} = timer:apply_after(${seconds * 1000}, erlang, halt, [1]),
      {ok, Tokens, _} = erl_scan:string(io:get_line("")),
      {ok, Expressions} = erl_parse:parse_exprs(Tokens),
      case rpc:call('${name}', erl_eval, exprs, [Expressions, []], ${seconds * 1000}) of
        {value, Value, _} -> io:format("~0p", [{ok, Value}]);
        Failure -> io:format("~0p", [Failure])
      end,
      halt().
    `,
  ]
}

function splitAtFirst(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator)
  return [text.slice(0, at), text.slice(at + separator.length)]
}
