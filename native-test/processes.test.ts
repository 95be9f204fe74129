/** Processes of ours and of real nodes, with each other: every signal there is, in both directions. */
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Cookie } from '../src/dist/cookie.ts'
import {
  atom,
  equals,
  formatTerm,
  isAtom,
  isList,
  isTuple,
  Pid,
  Reference,
  string,
  type Term,
  tuple,
} from '../src/etf/index.ts'
import { type Caller, replyTo, serveGenServer } from '../src/node/gen-server-process.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import type { Mail } from '../src/node/mailbox.ts'
import type { Process, ProcessOptions } from '../src/node/process.ts'
import type { RemoteNode } from '../src/node/remote-node.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'

const OURS = 'ours@127.0.0.1'
const GUEST = 'guest@127.0.0.1'

/** For what comes in no time, or else is missing. */
const SOON = { timeout: 10_000 }

const boom = atom('boom')
const TRUE = atom('true')

/** A process of theirs does what it is told, and nothing by itself but to keep what it is sent. */
const ACTOR = `
  spawn(fun() ->
    process_flag(trap_exit, true),
    (fun Loop() ->
      receive {run, From, Number, Forms, Bindings} ->
        From ! {Number, try erl_eval:exprs(Forms, Bindings)
                        catch error:Reason -> {failed, Reason} end},
        Loop()
      end
    end)()
  end)`

type Bindings = Readonly<Record<string, Term>>

interface Actor {
  readonly pid: Pid
  /** The value of the last of these expressions, which the process evaluates. */
  run(expressions: string, bindings?: Bindings): Promise<Term>
  /** Does not wait for a value. */
  tell(expressions: string, bindings?: Bindings): Promise<void>
}

describeOnEachRelease('processes', (release) => {
  let node: ErlangNode
  let ours: HiddenNode
  let remote: RemoteNode
  let driver: Process
  let runs = 0
  const parsed = new Map<string, Promise<Term>>()
  const hasAliases = release >= 25

  beforeAll(async () => {
    node = await startErlangNode({ release })
    ours = newNode(OURS)
    await ours.listen()
    remote = await ours.connect(node.name)
    driver = ours.spawn()
  })

  afterAll(async () => {
    await ours.close()
    await node.stop()
  })

  function newNode(name: string): HiddenNode {
    const { cookie, epmdPort } = node
    return new HiddenNode({ cookie: new Cookie(cookie), epmdPort, name })
  }

  function spawn(options: ProcessOptions = {}): Process {
    return ours.spawn(options)
  }

  /** Expressions as the node parses them. */
  function parse(expressions: string): Promise<Term> {
    const known = parsed.get(expressions) ?? parseThere(expressions)
    parsed.set(expressions, known)
    return known
  }

  async function parseThere(expressions: string): Promise<Term> {
    const scanned = await remote.call('erl_scan', 'string', [string(`${expressions}.`)])
    const [, tokens = []] = elementsOf(scanned)
    const [outcome, forms = []] = elementsOf(
      await remote.call('erl_parse', 'parse_exprs', [tokens]),
    )
    expect(outcome, expressions).toEqual(atom('ok'))
    return forms
  }

  /** The value of the last of these expressions, which a process for them alone evaluates. */
  async function evaluate(expressions: string, bindings: Bindings = {}): Promise<Term> {
    const forms = await parse(expressions)
    const answer = await remote.call('erl_eval', 'exprs', [forms, bound(bindings)])
    return elementsOf(answer)[1] ?? []
  }

  async function startActor(): Promise<Actor> {
    const pid = await evaluate(ACTOR)
    if (!(pid instanceof Pid)) throw new Error('no actor')
    const request = async (expressions: string, bindings: Bindings = {}): Promise<number> => {
      const forms = await parse(expressions)
      runs += 1
      driver.send(pid, tuple(atom('run'), driver.pid, runs, forms, bound(bindings)))
      return runs
    }
    return {
      pid,
      run: async (expressions, bindings) => {
        const number = await request(expressions, bindings)
        const isAnswer = (mail: Mail): boolean =>
          mail.type === 'message' && isTuple(mail.message, 2) && mail.message.elements[0] === number
        const answer = await driver.receive({ matches: isAnswer, ...SOON })
        const outcome = answer.type === 'message' ? elementsOf(answer.message)[1] : undefined
        const [kind, value] = outcome === undefined ? [] : elementsOf(outcome)
        expect(kind, `${expressions}: ${formatTerm(value ?? [])}`).toEqual(atom('value'))
        return value ?? []
      },
      tell: async (expressions, bindings) => {
        await request(expressions, bindings)
      },
    }
  }

  /** A node that was paused still answers what it had begun to. */
  async function untilSilent(): Promise<void> {
    const ask = () => remote.call('erlang', 'node', [], { timeout: 200 })
    while ((await Promise.allSettled([ask()]))[0]?.status === 'fulfilled');
  }

  /** What an actor has of links, monitors, and those that monitor it. */
  function relationsOf(actor: Actor): Promise<Term> {
    const items = '[links, monitors, monitored_by]'
    return evaluate(`[V || {_, V} <- process_info(Pid, ${items})]`, { Pid: actor.pid })
  }

  /** The next exit or end that an actor was told of, `none` after a while. */
  function signalTo(actor: Actor, wait = 5_000): Promise<Term> {
    return actor.run(
      `receive {'EXIT', P, R} -> {exit, P, R}; {'DOWN', M, process, P, R} -> {down, M, P, R}
       after ${wait} -> none end`,
    )
  }

  it('send to each other by pid and by name, and answer to whom it was from', async () => {
    const process = spawn({ name: 'inbox' })
    const actor = await startActor()
    await actor.run('register(actor, self())')
    for (const to of [actor.pid, { name: 'actor', node: node.name }]) {
      process.send(to, tuple(atom('hello'), process.pid))
      const answer = `receive {hello, From} -> From ! {answer, self()}, From end`
      expect(await actor.run(answer)).toEqual(process.pid)
      expect(await process.receive(SOON)).toEqual({
        type: 'message',
        message: tuple(atom('answer'), actor.pid),
        from: actor.pid,
      })
    }
    await actor.run(`{inbox, '${OURS}'} ! named`)
    expect(await process.receive(SOON)).toMatchObject({ message: atom('named'), from: actor.pid })
    // From a process that knows nothing but the name.
    await node.evaluate(`{inbox, '${OURS}'} ! {from, node()}`)
    expect(await process.receive(SOON)).toMatchObject({
      message: tuple(atom('from'), atom(node.name)),
    })
    await actor.run('unregister(actor)')
    process.exit()
  })

  if (hasAliases) {
    it('send to each other by aliases, until those are taken back', async () => {
      const process = spawn()
      const actor = await startActor()
      const theirs = await actor.run('alias()')
      if (!(theirs instanceof Reference)) throw new Error('no alias')
      expect(process.canSendTo(theirs)).toBe(true)
      process.send(theirs, 1)
      await actor.run('unalias(A)', { A: theirs })
      process.send(theirs, 2)
      process.send(actor.pid, 3)
      const both = 'receive X -> receive Y -> {X, Y} end end'
      expect(await actor.run(both)).toEqual(tuple(1, 3))

      const alias = process.alias()
      await actor.run('A ! 1', { A: alias })
      expect(await process.receive(SOON)).toMatchObject({ message: 1, from: actor.pid })
      process.unalias(alias)
      await actor.run('A ! 2, P ! 3', { A: alias, P: process.pid })
      expect(await process.receive(SOON)).toMatchObject({ message: 3 })
      process.exit()
    })
  } else {
    it('know no aliases', async () => {
      const process = spawn()
      const reference = await evaluate('make_ref()')
      if (!(reference instanceof Reference)) throw new Error('no reference')
      expect(process.canSendTo(reference)).toBe(false)
      expect(() => process.send(reference, 1)).toThrow(
        expect.objectContaining({ code: 'ERR_NODE_UNSUPPORTED', flag: 'ALIAS' }),
      )
      process.exit()
    })
  }

  it('take mail that matches, in time, until they end', async () => {
    const process = spawn()
    await evaluate('[P ! N || N <- lists:seq(1, 10)]', { P: process.pid })
    const isEven = (mail: Mail) =>
      mail.type === 'message' && typeof mail.message === 'number' && mail.message % 2 === 0
    for (const even of [2, 4]) {
      expect(await process.receive({ matches: isEven, ...SOON })).toMatchObject({ message: even })
    }
    const all: unknown[] = []
    for await (const mail of process) {
      all.push(mail.type === 'message' && mail.message)
      if (all.length === 8) process.exit()
    }
    expect(all).toEqual([1, 3, 5, 6, 7, 8, 9, 10])
    await expect(process.receive()).rejects.toMatchObject({ code: 'ERR_PROCESS_EXITED' })
  })

  it('keep the order of each sender, though the first message is large', async () => {
    const process = spawn()
    await evaluate(
      `[spawn(fun() ->
          P ! {S, binary:copy(<<S>>, 1000000)}, [P ! {S, N} || N <- lists:seq(1, 100)]
        end) || S <- [1, 2, 3]]`,
      { P: process.pid },
    )
    const seen = new Map<Term, Term[]>()
    for (let count = 0; count < 303; count++) {
      const mail = await process.receive(SOON)
      const [sender = 0, value = 0] = mail.type === 'message' ? elementsOf(mail.message) : []
      seen.set(sender, [...(seen.get(sender) ?? []), sizeOf(value)])
    }
    const inOrder = [1_000_000, ...Array.from({ length: 100 }, (_, index) => index + 1)]
    expect(Object.fromEntries(seen)).toEqual({ 1: inOrder, 2: inOrder, 3: inOrder })

    const actor = await startActor()
    const senders = [process, spawn(), spawn()]
    for (const sender of senders)
      sender.send(actor.pid, tuple(sender.pid, new Uint8Array(1_000_000)))
    for (let number = 1; number <= 100; number++) {
      for (const sender of senders) sender.send(actor.pid, tuple(sender.pid, number))
    }
    for (const { pid } of senders) {
      const received = await actor.run(
        `[receive {P, V} when is_binary(V) -> byte_size(V); {P, V} -> V end
          || _ <- lists:seq(0, 100)]`,
        { P: pid },
      )
      expect(isList(received) && received.length === 101 && equals(received, inOrder)).toBe(true)
    }
    const ref = await actor.run('monitor(process, P)', { P: process.pid })
    process.send(actor.pid, new Uint8Array(1_000_000))
    for (const sender of senders) sender.exit(boom)
    const last =
      "[receive X when is_binary(X) -> byte_size(X); {'DOWN', R, _, _, _} -> R end || _ <- [1, 2]]"
    expect(await actor.run(last, { R: ref })).toEqual([1_000_000, ref])
  })

  it('tell whom they are linked to of their end, with its reason', async () => {
    const actor = await startActor()
    const reason = tuple(boom, [1, 2 ** 40, 'é'.codePointAt(0) ?? 0])
    const linkedByUs = spawn()
    linkedByUs.link(actor.pid)
    const linkedByThem = spawn()
    await actor.run('link(P)', { P: linkedByThem.pid })
    expect(await actor.run('lists:sort(element(2, process_info(self(), links)))')).toHaveLength(2)
    for (const process of [linkedByUs, linkedByThem]) {
      process.exit(reason)
      expect(await signalTo(actor)).toEqual(tuple(atom('exit'), process.pid, reason))
    }

    const processes = [spawn(), spawn(), spawn({ trapExit: false })]
    const [first, second, fragile] = processes
    if (first === undefined || second === undefined || fragile === undefined) throw new Error()
    first.link(actor.pid)
    fragile.link(actor.pid)
    await actor.run('link(P)', { P: second.pid })
    await actor.tell('exit({boom, 1})')
    for (const process of [first, second]) {
      expect(await process.receive(SOON)).toEqual({
        type: 'exit',
        from: actor.pid,
        reason: tuple(boom, 1),
      })
    }
    await expect(fragile.receive(SOON)).rejects.toMatchObject({
      code: 'ERR_PROCESS_EXITED',
      reason: tuple(boom, 1),
    })
    first.exit()
    second.exit()
  })

  it('are told of noproc by links and monitors to nobody', async () => {
    const process = spawn()
    const gone = spawn()
    gone.exit()
    const dead = await evaluate('P = spawn(fun() -> ok end), exit(P, kill), P')
    if (!(dead instanceof Pid)) throw new Error('no pid')
    await expect.poll(() => evaluate('is_process_alive(P)', { P: dead })).toEqual(atom('false'))
    const noproc = atom('noproc')
    process.link(dead)
    expect(await process.receive(SOON)).toEqual({ type: 'exit', from: dead, reason: noproc })
    for (const target of [dead, { name: 'nobody', node: node.name }]) {
      const ref = process.monitor(target)
      const expected = { type: 'down', ref, process: target, reason: noproc }
      expect(await process.receive(SOON)).toEqual(expected)
    }

    const actor = await startActor()
    await actor.run('link(P)', { P: gone.pid })
    expect(await signalTo(actor)).toEqual(tuple(atom('exit'), gone.pid, noproc))
    const ref = await actor.run('monitor(process, P)', { P: gone.pid })
    expect(await signalTo(actor)).toEqual(tuple(atom('down'), ref, gone.pid, noproc))
    const name = tuple(atom('nobody'), atom(OURS))
    const byName = await actor.run('monitor(process, P)', { P: name })
    expect(await signalTo(actor)).toEqual(tuple(atom('down'), byName, name, noproc))
    process.exit()
  })

  it('are told nothing any more once they unlinked, from either side', async () => {
    const actor = await startActor()
    const process = spawn()
    process.link(actor.pid)
    process.unlink(actor.pid)
    expect(await relationsOf(actor)).toEqual([[], [], []])
    process.link(actor.pid)
    await actor.run('unlink(P)', { P: process.pid })
    await actor.run('link(P)', { P: process.pid })
    process.unlink(actor.pid)
    expect(await relationsOf(actor)).toEqual([[], [], []])
    process.exit(boom)

    const other = spawn()
    other.link(actor.pid)
    await actor.run('unlink(P)', { P: other.pid })
    await actor.tell('exit(boom)')
    await expect
      .poll(() => evaluate('is_process_alive(P)', { P: actor.pid }))
      .toEqual(atom('false'))
    expect(other.mailboxLength).toBe(0)
    other.exit()
  })

  it('agree on whether they are linked, however both link and unlink at once', async () => {
    for (let round = 0; round < 6; round++) {
      const actor = await startActor()
      const process = spawn()
      const linking = actor.run(
        `lists:foreach(fun(N) ->
           link(P), N rem 7 =:= ${round} andalso erlang:yield(), unlink(P)
         end, lists:seq(1, 300)), ${round % 2 === 0 ? 'link(P)' : 'ok'}`,
        { P: process.pid },
      )
      for (let count = 0; count < 300; count++) {
        process.link(actor.pid)
        if (count % 5 === round) await setImmediate()
        process.unlink(actor.pid)
        if (count % 7 === round) await setImmediate()
      }
      if (round % 3 === 0) process.link(actor.pid)
      await linking
      // What was under way has come, and so has its acknowledgement.
      for (let trip = 0; trip < 3; trip++) await actor.run('ok')
      expect(process.mailboxLength).toBe(0)
      const isLinked = 'lists:member(P, element(2, process_info(self(), links)))'
      const areLinked = isAtom(await actor.run(isLinked, { P: process.pid }), 'true')
      if (round % 2 === 0) {
        process.exit(boom)
        const told = await signalTo(actor, areLinked ? 5_000 : 100)
        expect(told).toEqual(areLinked ? tuple(atom('exit'), process.pid, boom) : atom('none'))
      } else {
        const watcher = spawn()
        watcher.monitor(actor.pid)
        await actor.tell('exit(boom)')
        await watcher.receive(SOON)
        if (areLinked) await process.receive(SOON)
        await evaluate('ok')
        expect(process.mailboxLength).toBe(0)
        for (const each of [process, watcher]) each.exit()
      }
    }
  })

  it('end each other with exit/2, if the reason is one', async () => {
    const actor = await startActor()
    const process = spawn()
    await actor.run('exit(P, boom), exit(P, normal)', { P: process.pid })
    for (const reason of [boom, atom('normal')]) {
      expect(await process.receive(SOON)).toEqual({ type: 'exit', from: actor.pid, reason })
    }
    const fragile = spawn({ trapExit: false })
    await actor.run('exit(P, normal), P ! alive', { P: fragile.pid })
    expect(await fragile.receive(SOON)).toMatchObject({ message: atom('alive') })
    await actor.run('exit(P, {boom, 1})', { P: fragile.pid })
    await expect(fragile.receive(SOON)).rejects.toMatchObject({ reason: tuple(boom, 1) })

    const ref = await actor.run('monitor(process, P)', { P: process.pid })
    await actor.run('exit(P, kill)', { P: process.pid })
    await expect(process.receive(SOON)).rejects.toMatchObject({ reason: atom('killed') })
    expect(await signalTo(actor)).toEqual(tuple(atom('down'), ref, process.pid, atom('killed')))

    const sender = spawn()
    sender.sendExit(actor.pid, boom)
    expect(await signalTo(actor)).toEqual(tuple(atom('exit'), sender.pid, boom))
    const monitor = sender.monitor(actor.pid)
    sender.sendExit(actor.pid, atom('kill'))
    expect(await sender.receive(SOON)).toMatchObject({ ref: monitor, reason: atom('killed') })
    sender.exit()
  })

  it('monitor each other by pid and by name', async () => {
    const actor = await startActor()
    await actor.run('register(watched, self())')
    const process = spawn({ name: 'watched' })
    const name = { name: 'watched', node: node.name }
    for (const target of [actor.pid, name]) {
      process.monitor(target)
      process.demonitor(process.monitor(target))
    }
    const theirName = tuple(atom('watched'), atom(OURS))
    const [byPid, byName] = elementsOf(
      await actor.run(
        `A = monitor(process, P), B = monitor(process, N),
         C = monitor(process, P), D = monitor(process, N),
         demonitor(C), demonitor(D), {A, B}`,
        { P: process.pid, N: theirName },
      ),
    )
    if (byPid === undefined || byName === undefined) throw new Error('no monitors')
    expect(await relationsOf(actor)).toEqual([
      [],
      [expect.anything(), expect.anything()],
      [process.pid, process.pid],
    ])

    const watcher = spawn()
    const ends = [watcher.monitor(actor.pid), watcher.monitor(name)]
    process.exit(boom)
    const told = [await signalTo(actor), await signalTo(actor)]
    expect(told).toContainEqual(tuple(atom('down'), byPid, process.pid, boom))
    expect(told).toContainEqual(tuple(atom('down'), byName, theirName, boom))
    expect(await signalTo(actor, 0)).toEqual(atom('none'))
    await actor.tell('exit(boom)')
    const downs = [await watcher.receive(SOON), await watcher.receive(SOON)]
    expect(downs).toContainEqual({ type: 'down', ref: ends[0], process: actor.pid, reason: boom })
    expect(downs).toContainEqual({ type: 'down', ref: ends[1], process: name, reason: boom })
    watcher.exit()
  })

  it.each([
    [
      'they disconnect',
      async () => {
        expect(await node.evaluate(`erlang:disconnect_node('${GUEST}')`)).toBe('true')
      },
    ],
    [
      'we close the connection',
      async (guest: HiddenNode) => {
        await Promise.all(guest.remotes.map((it) => it.close()))
      },
    ],
  ] as const)('lose each other with noconnection when %s', async (_, disconnect) => {
    await using guest = newNode(GUEST)
    await guest.connect(node.name)
    const actor = await startActor()
    const process = guest.spawn({ name: 'guest' })
    const ref = process.monitor(actor.pid)
    process.link(actor.pid)
    const theirs = await actor.run('monitor(process, P)', { P: process.pid })
    await expect.poll(() => relationsOf(actor)).toMatchObject([[process.pid], {}, [process.pid]])
    await disconnect(guest)
    const noconnection = atom('noconnection')
    const mails = [await process.receive(SOON), await process.receive(SOON)]
    expect(mails).toContainEqual({ type: 'exit', from: actor.pid, reason: noconnection })
    expect(mails).toContainEqual({ type: 'down', ref, process: actor.pid, reason: noconnection })
    const signals = [await signalTo(actor), await signalTo(actor)]
    expect(signals).toContainEqual(tuple(atom('exit'), process.pid, noconnection))
    expect(signals).toContainEqual(tuple(atom('down'), theirs, process.pid, noconnection))
    expect(await relationsOf(actor)).toEqual([[], [], []])
    expect(() => process.send(actor.pid, 1)).toThrow(
      expect.objectContaining({ code: 'ERR_NODE_NOT_CONNECTED' }),
    )
  })

  it('end in order with their node, and are told so', async () => {
    const guest = newNode(GUEST)
    await guest.listen()
    const process = guest.spawn({ name: 'guest' })
    // They connect this time.
    const actor = await startActor()
    const theirs = await actor.run('monitor(process, P)', { P: tuple(atom('guest'), atom(GUEST)) })
    await actor.run('link(P), P ! ready', { P: process.pid })
    expect(await process.receive(SOON)).toMatchObject({ message: atom('ready') })
    await guest.close()
    const signals = [await signalTo(actor), await signalTo(actor)]
    expect(signals).toContainEqual(tuple(atom('exit'), process.pid, atom('normal')))
    expect(signals).toContainEqual(
      tuple(atom('down'), theirs, tuple(atom('guest'), atom(GUEST)), atom('normal')),
    )
  })

  it('spawn processes there, which they link and monitor as they like', async () => {
    const process = spawn()
    const args = [process.pid, atom('hello')]
    for (const options of [{}, { link: true }, { monitor: true }, { link: true, monitor: true }]) {
      const { pid, monitor } = await process.spawn(node.name, 'erlang', 'send', args, options)
      const expected = [
        { type: 'message', message: atom('hello'), from: pid },
        ...('monitor' in options
          ? [{ type: 'down', ref: monitor, process: pid, reason: atom('normal') }]
          : []),
        ...('link' in options ? [{ type: 'exit', from: pid, reason: atom('normal') }] : []),
      ]
      const mails: Mail[] = []
      while (mails.length < expected.length) mails.push(await process.receive(SOON))
      expect(mails).toEqual(expect.arrayContaining(expected))
    }
    const undef = tuple(atom('undef'), expect.anything())
    const { monitor } = await process.spawn(node.name, 'nowhere', 'f', [1], { monitor: true })
    expect(await process.receive(SOON)).toMatchObject({ type: 'down', ref: monitor, reason: undef })
    const { pid } = await process.spawn(node.name, 'nowhere', 'f', [1], { link: true })
    expect(await process.receive(SOON)).toMatchObject({ type: 'exit', from: pid, reason: undef })
    expect(process.mailboxLength).toBe(0)
    process.exit()
  })

  it('spawn processes that print, and are not held up by it', async () => {
    const process = spawn()
    const printed = [string('~s~n'), [string('x'.repeat(10_000))]]
    await process.spawn(node.name, 'io', 'format', printed, { monitor: true })
    expect(await process.receive(SOON)).toMatchObject({ type: 'down', reason: atom('normal') })
    process.exit()
  })

  it('leave nothing of a spawn that they gave up', async () => {
    const process = spawn()
    const sleepers = `[P || P <- processes(),
      {current_function, {timer, sleep, 1}} <- [process_info(P, current_function)]]`
    const sleep = [60_000]
    const controller = new AbortController()
    const { signal } = controller
    const abandoned = [
      process.spawn(node.name, 'timer', 'sleep', sleep, { link: true, signal }),
      process.spawn(node.name, 'timer', 'sleep', sleep, { link: true, monitor: true, signal }),
      process.spawn(node.name, 'timer', 'sleep', sleep, { monitor: true, signal }),
    ]
    controller.abort(boom)
    for (const { status } of await Promise.allSettled(abandoned)) expect(status).toBe('rejected')
    await node.pause()
    try {
      await untilSilent()
      const options = { link: true, monitor: true, timeout: 50 }
      await expect(
        process.spawn(node.name, 'timer', 'sleep', sleep, options),
      ).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    } finally {
      await node.resume()
    }
    // The one that was not linked is there, and nobody knows of it.
    await expect.poll(() => evaluate(`length(${sleepers})`), SOON).toBe(1)
    const known = `[{L, M} || P <- ${sleepers},
      [{_, L}, {_, M}] <- [process_info(P, [links, monitored_by])]]`
    expect(await evaluate(known)).toEqual([tuple([], [])])
    await evaluate(`[exit(P, kill) || P <- ${sleepers}]`)
    expect(process.mailboxLength).toBe(0)
    expect(remote.counters.callsPending).toBe(0)
    process.exit()
  })

  it('take every signal of a sender that is traced', async () => {
    const process = spawn({ name: 'traced' })
    const actor = await startActor()
    const trace = 'seq_trace:set_token(label, 17), seq_trace:set_token(send, true)'
    const sends = ['P ! 1', `{traced, '${OURS}'} ! 2`, ...(hasAliases ? ['A ! 3'] : [])]
    await actor.run(`${trace}, ${sends.join(', ')}, exit(P, boom), link(P)`, {
      P: process.pid,
      A: process.alias(),
    })
    for (const [index] of sends.entries()) {
      expect(await process.receive(SOON)).toMatchObject({ message: index + 1, from: actor.pid })
    }
    expect(await process.receive(SOON)).toMatchObject({ type: 'exit', reason: boom })
    process.monitor(actor.pid)
    await actor.tell(`${trace}, exit(boom)`)
    const ends = [await process.receive(SOON), await process.receive(SOON)]
    expect(ends.map(({ type }) => type).sort()).toEqual(['down', 'exit'])
    expect(ends).toMatchObject([{ reason: boom }, { reason: boom }])
    process.exit()
  })

  if (release >= 29) {
    it('exchange priority messages', async () => {
      const process = spawn()
      const actor = await startActor()
      const bindings = { A: process.alias(), P: process.pid }
      await actor.run('erlang:send(A, 1, [priority]), exit(A, boom, [priority])', bindings)
      expect(await process.receive(SOON)).toMatchObject({ message: 1, from: actor.pid })
      expect(await process.receive(SOON)).toEqual({ type: 'exit', from: actor.pid, reason: boom })
      const alias = await actor.run('alias([priority])')
      if (!(alias instanceof Reference)) throw new Error('no alias')
      process.send(alias, tuple(atom('to'), atom('alias')))
      expect(await actor.run('receive {to, X} -> X end')).toEqual(atom('alias'))
      await actor.run('link(P, [priority]), monitor(process, P, [priority])', bindings)
      process.exit(boom)
      expect([await signalTo(actor), await signalTo(actor)]).toContainEqual(
        tuple(atom('exit'), process.pid, boom),
      )
    })
  }

  it('serve as a gen_server: call, cast, and all other messages', async () => {
    const process = spawn({ name: 'calc' })
    const seen: Term[] = []
    const late: Caller[] = []
    const serving = serveGenServer(process, {
      handleCall: (request, from) => {
        if (isAtom(request, 'seen')) return seen
        if (isAtom(request, 'late')) {
          late.push(from)
          return undefined
        }
        return tuple(atom('ok'), request)
      },
      handleCast: (request) => {
        seen.push(tuple(atom('cast'), request))
      },
      handleInfo: (mail) => {
        if (mail.type === 'message') seen.push(tuple(atom('info'), mail.message))
      },
    })
    const server = `{calc, '${OURS}'}`
    expect(await node.evaluate(`gen_server:call(${server}, {1, "a"})`)).toBe('{ok,{1,"a"}}')
    const actor = await startActor()
    expect(await actor.run('gen_server:call(P, x)', { P: process.pid })).toEqual(
      tuple(atom('ok'), atom('x')),
    )
    expect(
      await actor.run(
        `gen_server:cast(${server}, 1), {calc, '${OURS}'} ! 2, gen_server:call(${server}, seen)`,
      ),
    ).toEqual([tuple(atom('cast'), 1), tuple(atom('info'), 2)])

    // Many at once, each with its own answer.
    expect(
      await evaluate(
        `Self = self(),
         Ps = [spawn(fun() -> Self ! {self(), N, gen_server:call(${server}, N)} end)
               || N <- lists:seq(1, 500)],
         lists:all(fun(P) -> receive {P, N, {ok, N}} -> true; {P, _, _} -> false end end, Ps)`,
      ),
    ).toEqual(TRUE)

    // One that gave up does not get the answer, as of OTP 24.
    await actor.run(`catch gen_server:call(${server}, late, 20)`)
    await expect.poll(() => late.length).toBe(1)
    const [caller] = late
    if (caller === undefined) throw new Error('no call')
    replyTo(process, caller, atom('late'))
    process.send(actor.pid, atom('after'))
    const messages = 'element(2, process_info(self(), messages))'
    await expect.poll(() => actor.run(messages)).toContainEqual(atom('after'))
    expect(await actor.run(messages)).toHaveLength(hasAliases ? 1 : 2)
    expect(await evaluate('process_info(P, monitors)', { P: actor.pid })).toEqual(
      tuple(atom('monitors'), []),
    )
    process.exit()
    await serving
  })

  it('serve as a gen_server until a handler fails, and callers are told', async () => {
    const process = spawn({ name: 'faulty' })
    const failure = new Error('no')
    const serving = serveGenServer(process, {
      handleCall: () => {
        throw failure
      },
    })
    const failed = expect(serving).rejects.toBe(failure)
    const call = `try gen_server:call({faulty, '${OURS}'}, x) catch exit:{R, _} -> R end`
    expect(await evaluate(call)).toEqual(atom('handler_failed'))
    await failed
    expect(await evaluate(call)).toEqual(atom('noproc'))
  })

  it('are pinged, and asked for nothing else', async () => {
    expect(await node.evaluate(`net_adm:ping('${OURS}')`)).toBe('pong')
    const actor = await startActor()
    const badrpc = await actor.run(`rpc:call('${OURS}', erlang, node, [], 5000)`)
    expect(badrpc).toEqual(tuple(atom('badrpc'), expect.anything()))
    expect(
      await actor.run(`try erpc:call('${OURS}', erlang, node, [], 5000) catch C:R -> {C, R} end`),
    ).toEqual(tuple(atom('error'), tuple(atom('erpc'), atom('notsup'))))
    expect(
      await actor.run(
        `R = spawn_request('${OURS}', erlang, node, [], [monitor]),
         receive {spawn_reply, R, error, Why} -> Why after 5000 -> none end`,
      ),
    ).toEqual(atom('notsup'))
    const spawned = `try spawn_monitor('${OURS}', erlang, node, []) catch error:R -> R end`
    expect(await actor.run(spawned)).toEqual(atom('notsup'))
    // OTP 23 asks net_kernel then; later releases start a process that ends with the reason.
    const refusal = `try begin P = spawn_link('${OURS}', erlang, node, []),
        receive {'EXIT', P, Why} -> Why after 5000 -> none end end
      catch error:E -> E end`
    expect(await actor.run(refusal)).toEqual(atom('notsup'))
    const sent = `{rex, '${OURS}'} ! {self(), {call, erlang, node, [], group_leader()}},
      {rex, '${OURS}'} ! {cast, erlang, node, [], group_leader()},
      gen_server:cast({net_kernel, '${OURS}'}, {spawn, x}),
      {net_kernel, '${OURS}'} ! {nodedown, node()}`
    await actor.run(sent)
    const victim = spawn()
    await actor.run('group_leader(self(), P)', { P: victim.pid })
    expect(await node.evaluate(`net_adm:ping('${OURS}')`)).toBe('pong')
    expect(victim.mailboxLength).toBe(0)
    expect(remote.isConnected).toBe(true)
    victim.exit()
  })

  it('are linked and monitored by thousands, and all are told', async () => {
    const count = 2_000
    const linked = spawn()
    const watcher = spawn()
    const before = Number(await evaluate('length(processes())'))
    const pids = await evaluate(
      `[spawn(fun() -> link(P), receive never -> ok end end) || _ <- lists:seq(1, ${count})]`,
      { P: linked.pid },
    )
    if (!isList(pids)) throw new Error('no pids')
    for (const pid of pids) if (pid instanceof Pid) watcher.monitor(pid)
    const areAll = '[ok || X <- Ps, {links, [_]} <- [process_info(X, links)]]'
    await expect.poll(() => evaluate(areAll, { Ps: pids }), SOON).toHaveLength(count)
    linked.exit(boom)
    for (let number = 0; number < count; number++) {
      expect(await watcher.receive(SOON)).toMatchObject({ type: 'down', reason: boom })
    }
    await expect.poll(() => evaluate('length(processes())'), SOON).toBeLessThanOrEqual(before)

    const actor = await startActor()
    const processes = Array.from({ length: count }, () => spawn())
    const all = processes.map(({ pid }) => pid)
    await actor.run('[begin link(P), monitor(process, P) end || P <- Ps]', { Ps: all })
    for (const process of processes) process.exit(boom)
    const told = `length([R || P <- Ps,
      R <- [receive {'EXIT', P, X} -> X end, receive {'DOWN', _, _, P, Y} -> Y end], R =:= boom])`
    expect(await actor.run(told, { Ps: all })).toBe(2 * count)
    expect(await relationsOf(actor)).toEqual([[], [], []])

    const others = Array.from({ length: count }, () => spawn({ trapExit: false }))
    for (const other of others) other.link(actor.pid)
    await actor.tell('exit(boom)')
    await expect.poll(() => others.filter(({ exitReason }) => exitReason).length).toBe(count)
    watcher.exit()
  })

  it('leave nothing behind, however much they did', async () => {
    const count = 2_000
    const actor = await startActor()
    const idle = await startActor()
    const process = spawn()
    const before = Number(await evaluate('length(processes())'))
    for (let number = 0; number < count; number++) {
      process.link(actor.pid)
      process.unlink(actor.pid)
      process.demonitor(process.monitor(actor.pid))
      process.demonitor(process.monitor({ name: 'rex', node: node.name }))
      process.unalias(process.alias())
    }
    await actor.run(
      `[begin link(P), unlink(P), demonitor(monitor(process, P), [flush]) end
        || _ <- lists:seq(1, ${count})]`,
      { P: process.pid },
    )
    const calls = Array.from({ length: count }, (_, number) =>
      remote.call('erlang', 'abs', [-number]),
    )
    expect(await Promise.all(calls)).toEqual([...Array(count).keys()])
    await expect.poll(() => relationsOf(actor), SOON).toEqual([[], [], []])
    expect(await relationsOf(idle)).toEqual([[], [], []])
    expect(await node.evaluate('element(2, process_info(whereis(rex), monitored_by))')).toBe('[]')
    await expect.poll(() => evaluate('length(processes())'), SOON).toBeLessThanOrEqual(before)
    expect(await actor.run('element(2, process_info(self(), message_queue_len))')).toBe(0)
    expect(remote.counters.callsPending).toBe(0)
    expect(process.mailboxLength).toBe(0)
    // Who has no links and is not monitored has nobody to tell of its end.
    const { messagesSent } = remote.counters
    process.exit(boom)
    await delay(10)
    expect(remote.counters.messagesSent).toBe(messagesSent)
  })
})

function elementsOf(term: Term): readonly Term[] {
  if (!isTuple(term)) throw new Error('no tuple')
  return term.elements
}

function bound(bindings: Bindings): Term {
  return Object.entries(bindings).map(([name, value]) => tuple(atom(name), value))
}

/** A binary's size; of anything else, itself. */
function sizeOf(term: Term): Term {
  return term instanceof Uint8Array ? term.length : term
}
