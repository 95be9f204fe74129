/**
 * What a node is like, told by a process of its own to a friend: another node, which keeps it and compares. So
 * neither a connection nor code of ours has a part in it.
 *
 * The friend is connected all the time, and asks by a plain message. What Erlang has no function for (who
 * listens for nodes that come and go) is had as OTP's own tests have it.
 */
import { Cookie } from '../../src/dist/cookie.ts'
import { Atom, formatTerm, isInteger, isList, isTuple, type Term } from '../../src/etf/index.ts'
import { HiddenNode } from '../../src/node/hidden-node.ts'
import type { RemoteNode } from '../../src/node/remote-node.ts'
import type { ErlangRelease } from '../../src/testing/images.ts'
import { type ErlangNode, startErlangNode } from './index.ts'

/** Parts, each a list without an order. */
const DESCRIBE = `
  Info = fun(Pid) ->
    Keys = [registered_name, initial_call, links, monitors, monitored_by, trap_exit, priority,
      message_queue_len, group_leader, error_handler, suspending, min_heap_size, fullsweep_after],
    case process_info(Pid, [dictionary | Keys]) of
      undefined -> ended;
      [{_, Dictionary} | Items] ->
        {[{Key, case Value of [_ | _] -> lists:sort(Value); _ -> Value end} || {Key, Value} <- Items],
         {dictionary, lists:sort([Key || {Key, _} <- Dictionary])},
         [erlang:trace_info(Pid, Item) || Item <- [flags, tracer]]}
    end
  end,
  Folder = fun(Path) ->
    case prim_file:list_dir(Path) of {ok, Names} -> lists:sort(Names); Failure -> Failure end
  end,
  Describe = fun() -> [
    {modules, [{Module, Module:module_info(md5), erlang:check_old_code(Module)}
      || {Module, _} <- code:all_loaded()]},
    {processes, [{Pid, Info(Pid)} || Pid <- processes(), Pid =/= self()]},
    {tables, [{Table, [{Key, ets:info(Table, Key)} || Key <- [name, owner, size, type, keypos,
      protection, heir, named_table]]} || Table <- ets:all()]},
    {ports, [{Port,
      [erlang:port_info(Port, Key) || Key <- [name, id, connected, os_pid]],
      [{Key, lists:sort(List)} || Key <- [links, monitors], {_, List} <- [erlang:port_info(Port, Key)]]}
      || Port <- erlang:ports()]},
    {names, registered()},
    {trace,
      [erlang:trace_info(What, flags) || What <- [new_processes, new_ports]] ++
      [erlang:trace_info(What, match_spec) || What <- [send, 'receive']] ++
      [{What, erlang:trace_info(What, all)} || What <- [on_load, {lists, seq, 2}, {lists, zipwith, 3},
        {erlang, system_info, 1}, {erlang, process_info, 2}, {ets, info, 1}, {prim_file, read_file, 1}]] ++
      [catch apply(trace, session_info, [all])]},
    {emulator,
      [{Item, erlang:system_info(Item)} || Item <- [creation, dist_ctrl, dynamic_trace, trace_control_word,
        scheduler_bind_type, cpu_topology, schedulers_online, dirty_cpu_schedulers_online, multi_scheduling,
        fullsweep_after, min_heap_size, min_bin_vheap_size, max_heap_size, time_offset, ets_count,
        port_count, process_count]] ++
      [{system_monitor, erlang:system_monitor()}, {system_profile, erlang:system_profile()}] ++
      [{Item, erlang:statistics(Item) =/= undefined}
        || Item <- [scheduler_wall_time, microstate_accounting]] ++
      [{backtrace_depth, erlang:system_flag(backtrace_depth, 13)},
       {monitoring_nodes, lists:sort(erts_debug:get_internal_state(monitoring_nodes))}]},
    {nodes, [{Kind, lists:sort(nodes(Kind))} || Kind <- [visible, hidden]] ++
      [{Node, auth:get_cookie(Node)} || Node <- nodes(connected)]},
    {persistent_terms, [{Key, erlang:phash2(Value)} || {Key, Value} <- persistent_term:get()]},
    {applications, application:which_applications() ++
      [{Name, lists:sort(application:get_all_env(Name))}
        || {Name, _, _} <- application:loaded_applications()]},
    {code_path, [code:get_mode(), code:get_path()]},
    {environment, os:getenv()},
    {logger, [logger:get_config()]},
    {global_names, [{Name, global:whereis_name(Name)} || Name <- global:registered_names()]},
    {groups, [{Group, lists:sort(pg:get_members(Group))} || Group <- pg:which_groups()]},
    {files, [{Path, Folder(Path)} || Path <- [".", "/tmp", os:getenv("HOME")]]},
    {descriptors, [{Name, Link} || Name <- Folder("/proc/self/fd"),
      {ok, Link} <- [prim_file:read_link("/proc/self/fd/" ++ Name)]]}
  ] end,`

/** On the node. */
const TELL = `${DESCRIBE}
  erts_debug:set_internal_state(available_internal_state, true),
  erlang:system_flag(backtrace_depth, 13),
  Tell = fun Tell() ->
    receive From -> From ! {Describe(), erlang:system_info(atom_count)} end,
    Tell()
  end,
  register(witness, spawn(fun() -> group_leader(whereis(init), self()), Tell() end)),
  Describe(),
  ok`

/** On its friend: a server that answers \`gen_server:call\`. */
const compare = (node: string): string => `
  pong = net_adm:ping('${node}'),
  ok = global:sync(),
  Ask = fun() ->
    {witness, '${node}'} ! self(),
    {Parts, Atoms} = receive {[_ | _], _} = Told -> Told after 20000 -> exit(no_answer) end,
    {ok, Registered} = erl_epmd:names({127, 0, 0, 1}),
    {[{registrations, lists:sort(Registered)} | [{Part, lists:usort(List)} || {Part, List} <- Parts]], Atoms}
  end,
  Differences = fun(Before, After) ->
    [{Part, ordsets:subtract(Old, New), ordsets:subtract(New, Old)}
      || {{Part, Old}, {Part, New}} <- lists:zip(Before, After), Old =/= New]
  end,
  Compare = fun Compare({Before, AtomsBefore} = Kept, Last) ->
    receive
      {'$gen_call', {Client, Tag}, compare} ->
        {After, AtomsAfter} = Told = Ask(),
        Client ! {Tag, {Differences(Before, After), AtomsAfter - AtomsBefore}},
        Compare(Kept, Told);
      {'$gen_call', {Client, Tag}, keep} ->
        Client ! {Tag, ok},
        Compare(Last, Last)
    end
  end,
  register(comparer, spawn(fun() ->
    group_leader(whereis(init), self()),
    First = Ask(),
    Compare(First, First)
  end)),
  ok`

/** A part of a node that is not as it was; what stands in it is the text of Erlang terms. */
export interface Difference {
  readonly part: string
  readonly lost: readonly string[]
  readonly gained: readonly string[]
}

export interface Compared {
  readonly differences: readonly Difference[]
  /** Atoms are never given back. */
  readonly atoms: number
}

const COMPARER = new Atom('comparer')

/** Disposal ends the friend. */
export class Witness implements AsyncDisposable {
  readonly friend: ErlangNode
  readonly #asker: HiddenNode
  readonly #remote: RemoteNode

  private constructor(friend: ErlangNode, asker: HiddenNode, remote: RemoteNode) {
    this.friend = friend
    this.#asker = asker
    this.#remote = remote
  }

  /** Starts a friend of the node, of the same release, which then knows what the node is like. */
  static async start(node: ErlangNode, release: ErlangRelease): Promise<Witness> {
    const { cookie, epmdPort } = node
    const friend = await startErlangNode({ release, cookie, epmdPort })
    await node.evaluate(TELL)
    await friend.evaluate(compare(node.name))
    const asker = new HiddenNode({ cookie: new Cookie(cookie), epmdPort })
    return new Witness(friend, asker, await asker.connect(friend.name))
  }

  /** What differs from how the node was when that was kept. */
  async compare(): Promise<Compared> {
    return compared(await this.#ask('compare'))
  }

  /**
   * From now on it is compared with how it was when it was compared last: how it is now may be another thing,
   * such as the last of a connection that it notices only now.
   */
  async keep(): Promise<void> {
    await this.#ask('keep')
  }

  #ask(question: string): Promise<Term> {
    return this.#remote.genServerCall(COMPARER, new Atom(question), { timeout: 30_000 })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#asker.close()
    await this.friend.kill()
  }
}

/** Out of `{[{Part, Lost, Gained}], Atoms}`. */
function compared(answer: Term): Compared {
  const [differences, atoms] = isTuple(answer, 2) ? answer.elements : []
  if (!isList(differences) || !isInteger(atoms)) throw new Error(`told ${formatTerm(answer)}`)
  return {
    atoms: Number(atoms),
    differences: differences.map((difference) => {
      const [part = [], lost = [], gained = []] = isTuple(difference, 3) ? difference.elements : []
      return { part: formatTerm(part), lost: texts(lost), gained: texts(gained) }
    }),
  }
}

function texts(list: Term): readonly string[] {
  return isList(list) ? list.map((term) => formatTerm(term)) : [formatTerm(list)]
}
