/**
 * A node that answers with what should harm the terminal, and the program, of whoever asks it.
 */
import { type ControlMessage, SPAWN_REPLY_MONITOR } from '../../src/dist/control.ts'
import { Cookie } from '../../src/dist/cookie.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import type { Payload } from '../../src/dist/payload.ts'
import { writeSignal } from '../../src/dist/signals.ts'
import { startEpmdServer } from '../../src/epmd/server.ts'
import { atom, binary, map, string, tuple } from '../../src/etf/build.ts'
import { ExportFun, isAtom, isList, isTuple, Pid, type Term } from '../../src/etf/index.ts'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import { listenTcp } from '../../src/net/tcp.ts'
import type { Connection, MessageReceiver } from '../../src/node/connection.ts'
import { accept } from '../../src/node/establish.ts'
import { Identity } from '../../src/node/identity.ts'
import { Answers } from '../../src/replay/answers.ts'
import { binarySpikeFile } from '../../src/replay/start-replay-node.ts'

/**
 * Sequences that clear the screen, set the title and the clipboard, and link; the 8-bit form of the first; marks
 * of direction; ends of lines; and what takes no place.
 */
export const HOSTILE: string =
  'x\u001b[2J\u001b]0;t\u0007\u001b]8;;http://a\u001b\\\u001b]52;c;eA==\u0007\u009b2J\u202e\u2066\u0000\r\n\t' +
  '\u0085\u2028\u2029\u200b\ufeff\u00ad\u034f\u3164\u{e0041}\u007f\u0301y'

/** Names that JavaScript gives a meaning. */
export const JAVASCRIPT_NAMES: readonly string[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
]

const EVIL = atom(HOSTILE)

/** Of every kind that has text in it, or in a key of which something could hide. */
const EVERYTHING: Term = [
  EVIL,
  string(HOSTILE),
  binary(HOSTILE),
  [...HOSTILE].map((character) => character.codePointAt(0) ?? 0),
  tuple(EVIL, binary(HOSTILE)),
  atom('z'.repeat(255)),
  new ExportFun(EVIL, EVIL, 1),
  map([EVIL, ...JAVASCRIPT_NAMES.map(atom)].map((key) => [key, map([[key, EVIL]])] as const)),
]

/** How it answers. */
export const MOODS = ['says', 'raises', 'throws', 'exits', 'dies', 'babbles'] as const

export type Mood = (typeof MOODS)[number]

export interface HostileNode extends AsyncDisposable {
  readonly name: string
  readonly cookie: string
  readonly port: number
  readonly epmdPort: number
}

export async function startHostileNode(mood: Mood): Promise<HostileNode> {
  const cookie = 'hostile'
  const self = new Identity(parseNodeName('hostile@127.0.0.1'))
  const { raw } = await readSnapshotFile(binarySpikeFile)
  const answers = new Answers({ ...raw, node: self.name.full, otpRelease: `27${HOSTILE}` })
  const connections = new Set<Connection>()
  const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, (transport) => {
    const session = new Session(self, mood, answers, connections)
    accept(transport, session, { self, cookie: new Cookie(cookie), admit: () => 'ok' }).catch(
      () => {},
    )
  })
  const epmd = await startEpmdServer()
  epmd.register({
    name: self.name.alive,
    port: listener.port,
    kind: 'hidden',
    protocol: 0,
    highestVersion: 6,
    lowestVersion: 6,
    extra: new Uint8Array(),
  })
  return {
    name: self.name.full,
    cookie,
    port: listener.port,
    epmdPort: epmd.port,
    [Symbol.asyncDispose]: async () => {
      await listener.close()
      await epmd.close()
      for (const connection of connections) await connection.close()
    },
  }
}

/** One client, who calls by `erpc`. */
class Session implements MessageReceiver {
  readonly #self: Identity
  readonly #mood: Mood
  readonly #answers: Answers
  readonly #connections: Set<Connection>
  #connection: Connection | undefined

  constructor(self: Identity, mood: Mood, answers: Answers, connections: Set<Connection>) {
    this.#self = self
    this.#mood = mood
    this.#answers = answers
    this.#connections = connections
  }

  open(connection: Connection): void {
    this.#connection = connection
    this.#connections.add(connection)
  }

  end(): void {
    if (this.#connection !== undefined) this.#connections.delete(this.#connection)
  }

  message(control: ControlMessage, payload: Payload | undefined): void {
    const connection = this.#connection
    if (control.type !== 'spawn_request' || connection === undefined) return
    const { reqId: ref, from: to } = control
    const process = this.#self.makePid()
    connection.send({
      type: 'spawn_reply',
      reqId: ref,
      to,
      flags: SPAWN_REPLY_MONITOR,
      result: process,
    })
    const reason = this.#reason(payload?.decode())
    const down = writeSignal(
      { type: 'down', from: process, to, ref, reason },
      connection.connected.flags,
    )
    if (down !== undefined) connection.send(down.control, down.payload)
  }

  /** Of the end of the process that carries out `[Result, Module, Function, Arguments]`. */
  #reason(request: Term | undefined): Term {
    const [result = EVIL, module = EVIL, name = EVIL, args = []] = isList(request) ? request : []
    switch (this.#mood) {
      case 'says':
        return tuple(result, atom('return'), this.#call(module, name, isList(args) ? args : []))
      case 'babbles':
        return tuple(result, atom('return'), EVERYTHING)
      case 'raises': {
        const place = [tuple(atom('file'), string(HOSTILE)), tuple(atom('line'), 1)]
        const stack = [
          tuple(EVIL, EVIL, 1, place),
          tuple(EVIL, EVIL, [EVERYTHING], place),
          EVERYTHING,
        ]
        return tuple(result, atom('error'), EVERYTHING, stack)
      }
      case 'throws':
        return tuple(result, atom('throw'), EVERYTHING)
      case 'exits':
        return tuple(result, atom('exit'), EVERYTHING)
      case 'dies':
        return EVERYTHING
    }
  }

  #call(module: Term, name: Term, args: readonly Term[]): Term {
    if (!isAtom(module) || !isAtom(name)) return EVERYTHING
    const [fun, ...lists] = args
    if (module.name === 'lists' && fun instanceof ExportFun && fun.function.name !== 'apply') {
      const [first = [], second] = lists
      if (!isList(first)) return EVERYTHING
      return first.map((element, index) => {
        const other = isList(second) ? [second[index] ?? EVIL] : []
        return this.#call(fun.module, fun.function, [element, ...other])
      })
    }
    const [argument] = args
    switch (`${module.name}:${name.name}`) {
      case 'erlang:nodes':
        return [EVIL, atom(`${HOSTILE}@127.0.0.1`), atom('hostile@127.0.0.1')]
      case 'erlang:processes':
        return [1, 2, 3].map((id) => new Pid(this.#self.atom, id, 0, this.#self.creation))
      case 'erlang:process_info':
        return processInfo(args[1])
      case 'ets:all':
        return [EVIL]
      case 'ets:info':
        return [
          ...['id', 'name', 'type', 'protection'].map((key) => tuple(atom(key), EVIL)),
          tuple(atom('size'), 5),
          tuple(atom('memory'), 10_000_000),
        ]
      case 'instrument:carriers': {
        const blocks = [tuple(EVIL, 3, 300), tuple(atom('__proto__'), 3, 300)]
        const carrier = tuple(atom('binary_alloc'), atom('false'), 32_768, 0, blocks, tuple(1, 2))
        return tuple(atom('ok'), tuple(512, [carrier]))
      }
      case 'erlang:memory':
        return [EVIL, ...['total', 'binary', ...JAVASCRIPT_NAMES].map(atom)].map((key) =>
          tuple(key, 1_000_000),
        )
      case 'erlang:system_info':
        if (isAtom(argument, 'process_count')) return 3
        if (isAtom(argument, 'wordsize')) return 8
        if (isTuple(argument)) return this.#allocators(args)
    }
    const outcome = this.#answers.answer(module.name, name.name, args)
    return outcome.type === 'return' ? outcome.value : EVERYTHING
  }

  /** What the recorded node says, and besides allocators, instances and properties of any name. */
  #allocators(args: readonly Term[]): Term {
    const outcome = this.#answers.answer('erlang', 'system_info', args)
    if (outcome.type !== 'return' || !isList(outcome.value)) return EVERYTHING
    const names = [EVIL, ...JAVASCRIPT_NAMES.map(atom)]
    const more = names.map((key) => tuple(key, EVIL))
    return [
      ...outcome.value.map((entry) => withMore(entry, more)),
      ...names.map((name) => tuple(name, [tuple(atom('instance'), 0, more)])),
      tuple(EVIL, atom('false')),
    ]
  }
}

/** `{Allocator, [{instance, N, Properties}]}` with more properties, options, and types of blocks. */
function withMore(entry: Term, more: readonly Term[]): Term {
  const [allocator = EVIL, instances] = isTuple(entry, 2) ? entry.elements : []
  if (!isList(instances) || isAtom(allocator, 'erts_mmap')) return entry
  const extend = (list: Term | undefined): Term =>
    isList(list) ? [...list.map(extendOptions), ...more] : EVIL
  const extendOptions = (term: Term): Term => {
    const [key = EVIL, value] = isTuple(term, 2) ? term.elements : []
    if (isAtom(key, 'options') && isList(value)) return tuple(key, [...value, ...more])
    if (isAtom(key, 'mbcs') && isList(value)) return tuple(key, value.map(extendBlocks))
    return term
  }
  return tuple(
    allocator,
    instances.map((instance) =>
      isTuple(instance, 3) && isAtom(instance.elements[0], 'instance')
        ? tuple(...instance.elements.slice(0, 2), extend(instance.elements[2]))
        : instance,
    ),
  )
}

/** `{blocks, [{Type, [{count, …}, {size, …}]}]}`. */
function extendBlocks(term: Term): Term {
  const [key = EVIL, types] = isTuple(term, 2) ? term.elements : []
  if (!isAtom(key, 'blocks') || !isList(types)) return term
  const [, counters] = isTuple(types[0], 2) ? types[0].elements : []
  if (counters === undefined) return term
  return tuple(key, [...types, ...[EVIL, atom('__proto__')].map((it) => tuple(it, counters))])
}

function processInfo(item: Term | undefined): Term {
  const info = (key: Term): Term => {
    switch (isAtom(key) ? key.name : '') {
      case 'memory':
        return tuple(key, 100_000_000)
      case 'binary':
        return tuple(key, [tuple(1234, 50_000_000, 1)])
      case 'message_queue_len':
        return tuple(key, 12)
      case 'registered_name':
        return tuple(key, EVIL)
      default:
        return tuple(key, tuple(EVIL, EVIL, 3))
    }
  }
  return isList(item) ? item.map(info) : info(item ?? EVIL)
}
