%% What the BEAM does of what is measured, timed by the node itself: calls to it cost nothing that counts.
%%
%% All is done by one process that lives as long as its node, and is as warm as the process that it is held
%% against.
-module(beamscope_bench).
-export([start/0, keep/2, keep_term/2, keep_snapshot/2, keep_large/2, drop/1, measure/3, load/0, frozen_figures/0]).
-export([start_others/1]).
-export([used_and_allocated/1]).

start() ->
  Parent = self(),
  Pid = spawn(fun() ->
    register(?MODULE, self()),
    Parent ! {self(), ready},
    serve()
  end),
  receive {Pid, ready} -> ok end.

%% A copy for each process would be measured too.
keep(Key, Binary) -> persistent_term:put({?MODULE, Key}, Binary).

keep_term(Key, Binary) -> keep(Key, binary_to_term(Binary)).

%% {erlang:memory(), [{Allocator, Answer}]}, in the form that recon has.
keep_snapshot(Key, Binary) -> keep(Key, recon_snapshot(binary_to_term(Binary))).

keep_large(Key, Size) -> persistent_term:put(Key, binary:copy(<<"b">>, Size)).

drop(Key) -> persistent_term:erase(Key).

kept(Key) -> persistent_term:get({?MODULE, Key}).

%% {Nanoseconds, Operations} of a round that takes about so many milliseconds.
measure(Name, Args, Milliseconds) ->
  Monitor = monitor(process, ?MODULE),
  ?MODULE ! {measure, self(), Monitor, Name, Args, Milliseconds},
  receive
    {Monitor, Result} -> demonitor(Monitor, [flush]), Result;
    {'DOWN', Monitor, process, _, Reason} -> exit(Reason)
  end.

serve() ->
  receive
    {measure, From, Tag, Name, Args, Milliseconds} ->
      Result =
        try round(Name, Args, Milliseconds)
        catch Class:Reason:Stack -> {failed, Class, Reason, Stack}
        end,
      From ! {Tag, Result},
      serve()
  end.

round(Name, Args, Milliseconds) ->
  Operation = operation(Name, Args),
  Start = erlang:monotonic_time(),
  End = Start + erlang:convert_time_unit(Milliseconds, millisecond, native),
  repeat(Operation, Start, End, 0).

repeat(Operation, Start, End, Count) ->
  Done = Count + Operation(),
  case erlang:monotonic_time() of
    Now when Now < End -> repeat(Operation, Start, End, Done);
    Now -> {erlang:convert_time_unit(Now - Start, native, nanosecond), Done}
  end.

%% Each says how many operations it was.
operation(decode, [Key]) ->
  Binary = kept(Key),
  fun() -> true = is_list(binary_to_term(Binary)), 1 end;
operation(encode, [Key]) ->
  Term = kept(Key),
  %% What nobody looks at the compiler leaves out.
  fun() -> true = byte_size(term_to_binary(Term)) > 0, 1 end;
operation(call, [Node]) ->
  fun() -> Node = erpc:call(Node, erlang, node, []), 1 end;
operation(pipelined, [Node, Window, Count]) ->
  fun() -> pipelined(Node, Window, Count), Count end;
operation(processes, [Node, Window, Count]) ->
  fun() -> processes(Node, Window, Count div Window), Count end;
operation(large, [Node, Key, Size]) ->
  fun() ->
    Size = byte_size(erpc:call(Node, persistent_term, get, [Key], 60000)),
    garbage_collect(),
    1
  end;
operation(recon, [Node]) ->
  fun() -> recon(Node), 1 end;
operation(recon_at_once, [Node]) ->
  fun() -> {_, _} = erpc:call(Node, ?MODULE, frozen_figures, []), 1 end;
operation(observer_cli, [Node]) ->
  fun() -> observer_cli(Node), 1 end;
operation(analysis, [Key]) ->
  Snapshot = kept(Key),
  fun() -> analysis(Snapshot), 1 end;
operation(decode_and_analysis, [Key]) ->
  Binary = kept(Key),
  fun() -> analysis(recon_snapshot(binary_to_term(Binary))), 1 end;
operation(sweep, [Nodes, Names]) ->
  fun() -> sweep(Nodes, Names, fun() -> ok end), 1 end;
operation(sweep_all, [Nodes, Names]) ->
  fun() -> sweep(Nodes, Names, fun() -> ask_rest(Nodes) end), 1 end.

%% So many requests are under way until the last are answered.
pipelined(Node, Window, Count) ->
  Requests = queue:from_list([request(Node) || _ <- lists:seq(1, Window)]),
  pipelined_rest(Node, Requests, Count - Window).

pipelined_rest(Node, Requests, 0) ->
  [Node = erpc:receive_response(It) || It <- queue:to_list(Requests)];
pipelined_rest(Node, Requests, Left) ->
  {{value, First}, Rest} = queue:out(Requests),
  Node = erpc:receive_response(First),
  pipelined_rest(Node, queue:in(request(Node), Rest), Left - 1).

request(Node) -> erpc:send_request(Node, erlang, node, []).

%% The same, by as many processes of which each waits for its answer.
processes(Node, Window, Each) ->
  Running =
    [spawn_monitor(fun() -> [Node = erpc:call(Node, erlang, node, []) || _ <- lists:seq(1, Each)] end)
     || _ <- lists:seq(1, Window)],
  [receive {'DOWN', Monitor, process, Pid, Reason} -> normal = Reason end || {Pid, Monitor} <- Running].

keys() -> [used, allocated, unused, usage, allocated_types, allocated_instances].

%% What our memory and fragmentation tell, of the process' frozen snapshot.
figures() ->
  {[recon_alloc:memory(Key, current) || Key <- keys()], recon_alloc:fragmentation(current)}.

%% As from a shell elsewhere: each function by itself, and each takes a snapshot of its own.
recon(Node) ->
  [answer(rpc:call(Node, recon_alloc, memory, [Key, current])) || Key <- keys()],
  answer(rpc:call(Node, recon_alloc, fragmentation, [current])).

answer({badrpc, Reason}) -> error(Reason);
answer(Answer) -> Answer.

%% The most that can be had of recon: one snapshot for all, which takes this module on the node.
frozen_figures() ->
  recon_alloc:snapshot(),
  Figures = figures(),
  recon_alloc:snapshot_clear(),
  Figures.

%% What observer_cli's page of allocators asks at each refresh (observer_cli_allocator:loop/3), which runs
%% on the node itself: recon's functions, each with a snapshot of its own.
observer_cli(Node) ->
  answer(rpc:call(Node, recon_alloc, cache_hit_rates, [])),
  answer(rpc:call(Node, recon_alloc, average_block_sizes, [current])),
  answer(rpc:call(Node, recon_alloc, average_block_sizes, [max])).

analysis(Snapshot) ->
  put(recon_alloc_snapshot, Snapshot),
  Figures =
    {figures(), recon_alloc:average_block_sizes(current), recon_alloc:sbcs_to_mbcs(current),
     recon_alloc:cache_hit_rates()},
  erase(recon_alloc_snapshot),
  Figures.

%% To see that both say the same.
used_and_allocated(Key) ->
  put(recon_alloc_snapshot, kept(Key)),
  {recon_alloc:memory(used), recon_alloc:memory(allocated), length(recon_alloc:fragmentation(current))}.

%% As recon_alloc:snapshot/0 makes it of the same answers: it merges the blocks by type of OTP 23 and later.
recon_snapshot({Memory, Allocators}) ->
  {Memory, [{{Allocator, Instance}, [merged(Allocator, It) || It <- lists:sort(Properties), tuple_size(It) =:= 2]}
            || {Allocator, Instances} <- Allocators,
               is_list(Instances),
               {instance, Instance, Properties} <- Instances]}.

merged(Allocator, {Key, Parts}) when is_list(Parts) ->
  Zeros = case Key of mbcs_pool -> [0]; _ -> [0, 0, 0] end,
  {Key, lists:flatmap(
    fun({blocks, Blocks}) when is_list(Blocks) ->
          [sum(blocks, count, Blocks, Zeros), sum(blocks_size, size, Blocks, Zeros),
           {foreign_blocks, lists:keydelete(Allocator, 1, Blocks)}, {raw_blocks, Blocks}];
       (Part) -> [Part]
    end, Parts)};
merged(_, Property) -> Property.

sum(Name, Field, Blocks, Zeros) ->
  list_to_tuple([Name | lists:foldl(
    fun({_, Values}, Sums) ->
      [Field | Counts] = tuple_to_list(lists:keyfind(Field, 1, Values)),
      lists:zipwith(fun(A, B) -> A + B end, Counts, Sums)
    end, Zeros, Blocks)]).

%% What recon's figures take of all nodes, and its figures of each; then all are left again.
sweep(Nodes, Names, AskRest) ->
  Allocators = erpc:multicall(Nodes, erlang, system_info, [{allocator, Names}], 60000),
  Memory = erpc:multicall(Nodes, erlang, memory, [], 60000),
  AskRest(),
  [begin
     put(recon_alloc_snapshot, recon_snapshot({M, A})),
     figures()
   end || {{ok, M}, {ok, A}} <- lists:zip(Memory, Allocators)],
  erase(recon_alloc_snapshot),
  [erlang:disconnect_node(Node) || Node <- Nodes],
  true = length([ok || {ok, _} <- Allocators]) =:= length(Nodes).

%% What our probe asks besides, in one call as well.
ask_rest(Nodes) ->
  SystemInfo = [[otp_release], [schedulers], [schedulers_online]],
  Files = [[File] || File <- [<<"/proc/self/smaps_rollup">>,
                              <<"/proc/self/status">>,
                              <<"/sys/fs/cgroup/memory.max">>,
                              <<"/sys/fs/cgroup/memory/memory.limit_in_bytes">>,
                              <<"/proc/meminfo">>]],
  Functions = [fun erlang:system_info/1 || _ <- SystemInfo] ++ [fun prim_file:read_file/1 || _ <- Files],
  Request = [fun erlang:apply/2, Functions, SystemInfo ++ Files],
  Rest = erpc:multicall(Nodes, lists, zipwith, Request, 60000),
  true = length([ok || {ok, _} <- Rest]) =:= length(Nodes).

%% What this node has done since it was started: reductions, words that were collected, milliseconds of
%% processors.
load() ->
  {Reductions, _} = erlang:statistics(exact_reductions),
  {_, Words, _} = erlang:statistics(garbage_collection),
  {Runtime, _} = erlang:statistics(runtime),
  {Reductions, Words, Runtime}.

%% Starts more nodes beside this one, ten at a time, and returns their names. They end with it: each reads
%% from a pipe whose other end is here.
start_others(Count) ->
  Parent = self(),
  Starter = spawn(fun() ->
    Names = start_others(lists:seq(1, Count), []),
    Parent ! {self(), Names},
    receive never -> ok end
  end),
  receive {Starter, Names} -> Names end.

start_others([], Names) -> Names;
start_others(Numbers, Names) ->
  {Some, Rest} = lists:split(min(10, length(Numbers)), Numbers),
  Aliases = ["other-" ++ integer_to_list(Number) || Number <- Some],
  [start_other(Alias ++ "@127.0.0.1") || Alias <- Aliases],
  ok = wait_for(Aliases, 600),
  start_others(Rest, Names ++ [list_to_atom(Alias ++ "@127.0.0.1") || Alias <- Aliases]).

start_other(Name) ->
  open_port({spawn_executable, os:find_executable("erl")}, [
    {args, ["-noshell", "-boot", "start_clean", "-name", Name, "-start_epmd", "false",
            "+S", "1:1", "+SDcpu", "1:1", "+SDio", "1", "+A", "1",
            "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none",
            "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
            "-eval", "spawn(fun() -> io:get_line(\"\"), halt() end)."]}]).

wait_for(_, 0) -> timeout;
wait_for(Aliases, Times) ->
  {ok, Registered} = erl_epmd:names({127, 0, 0, 1}),
  case [It || It <- Aliases, not lists:keymember(It, 1, Registered)] of
    [] -> ok;
    _ -> timer:sleep(100), wait_for(Aliases, Times - 1)
  end.
