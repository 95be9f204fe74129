/**
 * `beamscope ping`: whether a node can be reached, and if not, why.
 */
import { Command } from 'commander'
import { toJson } from '../../analysis/json.ts'
import { flagNames } from '../../dist/flags.ts'
import { atom } from '../../etf/build.ts'
import { stringValue } from '../../etf/match.ts'
import { jsonText } from '../../present/json.ts'
import { paperOf } from '../../present/paper.ts'
import { pingText } from '../../present/ping.ts'
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

export function pingCommand(context: Context): Command {
  const command = new Command('ping')
    .description(
      'Connects to a node, asks for its release, and says what was reached, or why nothing was: no ' +
        'port mapper, a name that is not registered, nobody listening, a wrong cookie, not allowed, ' +
        'another node in its place.',
    )
    .argument('<NODE>', 'node name, as rabbit@myhost')
  addConnectionOptions(addOutputOptions(command, context))
  command.action((node: string, options: ConnectionOptions & OutputOptions) =>
    about(node, async () => {
      const takenAt = new Date().toISOString()
      const result = await withSpinner(
        context,
        `connecting to ${node}`,
        ping(node, options, context),
      )
      const { otpRelease } = result
      context.stdout.write(
        options.json
          ? jsonText('ping', { node, takenAt, otpRelease }, toJson(result))
          : `${pingText(node, result, paperOf(context.stdout, context.env))}\n`,
      )
    }),
  )
  return addExamples(command, [
    'beamscope ping rabbit@myhost',
    'beamscope ping rabbit@myhost --cookie-file ./cookie --timeout 2s',
    'beamscope ping rabbit@pod-1 --map pod-1=127.0.0.1:9100',
  ])
}

async function ping(node: string, options: ConnectionOptions, context: Context) {
  return withNode(node, options, context, async ({ remote, connectTime, left }) => {
    const start = performance.now()
    const release = await remote.call('erlang', 'system_info', [atom('otp_release')], left())
    const { peer, self, flags } = remote.connected
    return {
      otpRelease: stringValue(release),
      address: remote.address,
      connectMs: milliseconds(connectTime),
      roundTripMs: milliseconds(performance.now() - start),
      self: self.name.full,
      creation: peer.creation,
      flags: flagNames(flags),
    }
  })
}

/** Microseconds say enough. */
function milliseconds(duration: number): number {
  return Math.round(duration * 1000) / 1000
}
