/**
 * The command lines that output suggests: about the same node, reached in the same way.
 */
import { INVISIBLE } from '../present/printable.ts'
import type { ClusterOptions } from './cluster-options.ts'
import type { ConnectionOptions, RecordingOptions, TargetOptions } from './options.ts'

/** `beamscope COMMAND` with the target, the connection's options and more words, ready to be pasted in a shell. */
export function nextCommand(
  command: string,
  node: string | undefined,
  options: TargetOptions & Pick<ClusterOptions, 'via'>,
  more: readonly string[] = [],
): string {
  // Standard input is not there a second time.
  const file = options.snapshot === '-' ? 'FILE' : (options.snapshot ?? 'FILE')
  const via = options.via === undefined ? [] : ['--via', options.via]
  const words =
    node === undefined
      ? ['--snapshot', file, ...recordingWords(options)]
      : [node, ...via, ...connectionWords(options)]
  return ['beamscope', command, ...[...words, ...more].map(quote)].join(' ')
}

function recordingWords({ at, of }: RecordingOptions): readonly string[] {
  return [...(at === undefined ? [] : ['--at', at.text]), ...(of === undefined ? [] : ['--of', of])]
}

function connectionWords(options: ConnectionOptions): readonly string[] {
  const { cookieFile, cookieStdin, name, epmdPort, port, map, tls, ca, cert, key } = options
  return [
    ...(cookieFile === undefined ? [] : ['--cookie-file', cookieFile]),
    ...(cookieStdin ? ['--cookie-stdin'] : []),
    ...(name === undefined ? [] : ['--name', name]),
    ...(epmdPort === undefined ? [] : ['--epmd-port', `${epmdPort}`]),
    ...(port === undefined ? [] : ['--port', `${port}`]),
    ...[...(map ?? [])].flatMap(([host, address]) => {
      const written = address.host.includes(':') ? `[${address.host}]` : address.host
      const suffix = address.port === undefined ? '' : `:${address.port}`
      return ['--map', `${host}=${written}${suffix}`]
    }),
    ...(tls ? ['--tls'] : []),
    ...(ca === undefined ? [] : ['--ca', ca]),
    ...(cert === undefined ? [] : ['--cert', cert]),
    ...(key === undefined ? [] : ['--key', key]),
  ]
}

/** As a POSIX shell reads it back; what is not to be seen, and may come from a node, as only bash and zsh do. */
function quote(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  if (word.search(INVISIBLE) === -1) return `'${word.replaceAll("'", "'\\''")}'`
  const text = word.replaceAll(/[\\']/g, '\\$&')
  return `$'${text.replace(INVISIBLE, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16)
    return `\\U${code.padStart(8, '0')}`
  })}'`
}
