/**
 * Random terms of every kind that a real node has, made there, sent to a process of another node that
 * is to send them back, and compared there with what comes.
 */
import { Atom, formatTerm } from '../../src/etf/index.ts'
import type { ErlangNode } from '../../src/testing/erlang-node.ts'

export interface EchoOptions {
  /** The name under which the other process is registered: for `{From, N, Term}` it sends `{N, Term}`. */
  readonly server: string
  readonly node: string
  readonly count: number
  /** Of the same seed and number a node makes the same term, but for its pids, ports and references. */
  readonly seed: number
  /** How many terms may be under way at once; 100 by default. */
  readonly window?: number
  /** Milliseconds without any answer before it gives up; 10,000 by default. */
  readonly patience?: number
}

/**
 * What `node.evaluate` takes, after {@link loadRandomTerms}; give it a time-out of some minutes. Its
 * value is `{ok, Count, [{Kind, Seen}]}` if every term came back as it was, else `{failed, Report}`: the
 * numbers of the terms that changed, were not answered or came unasked, and of the first few changed
 * ones where they differ. `random_terms:term(Seed, Number)` makes one of them again.
 */
export function echoRandomTerms(options: EchoOptions): string {
  const { server, node, count, seed, window = 100, patience = 10_000 } = options
  const process = `{${formatTerm(new Atom(server))}, ${formatTerm(new Atom(node))}}`
  return `random_terms:echo(#{
    server => ${process}, count => ${count}, seed => ${seed}, window => ${window},
    patience => ${patience}
  })`
}

/** Loads `random_terms` there; once for each node. */
export async function loadRandomTerms(node: ErlangNode): Promise<void> {
  if (node.release >= 29) await loadErlangModule(node, recordsModule)
  await loadErlangModule(node, termsModule)
}

/** Compiles a module there, of source without macros, and loads it. */
export async function loadErlangModule(node: ErlangNode, source: string): Promise<void> {
  const base64 = Buffer.from(source).toString('base64')
  await node.evaluate(`
    {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(base64:decode("${base64}"))),
    Split =
      fun Split([], []) -> [];
          Split([{dot, _} = Dot | Rest], Form) -> [lists:reverse(Form, [Dot]) | Split(Rest, [])];
          Split([Token | Rest], Form) -> Split(Rest, [Token | Form])
      end,
    Forms = [begin {ok, Parsed} = erl_parse:parse_form(Form), Parsed end || Form <- Split(Tokens, [])],
    case compile:forms(Forms, [return]) of
      {ok, Module, Code, _} -> {module, Module} = code:load_binary(Module, "", Code);
      {error, Errors, _} -> error(Errors)
    end
  `)
}

/** Records of a definition; others are made without one. */
const recordsModule = `
-module(random_records).
-export([make/2]).
-export_record([point]).
-record #point{x = 1, y, 'z z' = []}.
-record #empty{}.

make(X, Y) ->
  case rand:uniform(4) of
    1 -> #empty{};
    _ -> #point{x = X, y = Y}
  end.
`

const termsModule = String.raw`
-module(random_terms).
-export([echo/1, term/2, kinds/0, difference/2]).

%% The senders, each with its share of the numbers and of the window.

echo(#{server := {_, Node}, count := Count} = Options) ->
  prepare(),
  %% OTP 23 spoils funs that it sends, with external ones inside, while it connects. Who cannot be
  %% reached is reported by the senders.
  net_kernel:connect_node(Node),
  Senders = 4,
  Running =
    [spawn_monitor(fun() -> exit({done, send(First, Senders, Options)}) end)
     || First <- lists:seq(1, Senders)],
  Results =
    [receive
       {'DOWN', Monitor, process, Pid, {done, Result}} -> Result;
       {'DOWN', Monitor, process, Pid, Reason} -> #{reason => shorten(Reason)}
     end || {Pid, Monitor} <- Running],
  Joined = fun(Key) -> lists:sort(lists:append([maps:get(Key, It, []) || It <- Results])) end,
  Seen = Joined(seen),
  Kinds =
    [{Kind, lists:sum([Times || {It, Times} <- Seen, It =:= Kind])} || Kind <- kinds()],
  Changed = Joined(changed),
  Unanswered = Joined(unanswered),
  Unexpected = Joined(unexpected),
  Reasons = lists:usort([maps:get(reason, It) || It <- Results]),
  Answered = lists:sum([maps:get(answered, It, 0) || It <- Results]),
  case {Reasons, Changed, Unanswered, Unexpected} of
    {[finished], [], [], []} when Answered =:= Count ->
      {ok, Count, Kinds};
    _ ->
      {failed, [
        {seed, maps:get(seed, Options)},
        {reasons, Reasons},
        {answered, Answered},
        {changed, length(Changed), lists:sublist(Changed, 100)},
        {unanswered, length(Unanswered), lists:sublist(Unanswered, 100)},
        {unexpected, length(Unexpected), lists:sublist(Unexpected, 5)},
        {first, lists:sublist(Joined(details), 5)}
      ]}
  end.

send(First, Step, #{server := {_, Node}, window := Window} = Options) ->
  put(peer, Node),
  erlang:monitor_node(Node, true),
  Result = exchange(First, #{}, Options#{
    step => Step, window => max(1, Window div Step), answered => 0, changed => [], unexpected => [],
    details => []
  }),
  Seen = [{Kind, get(Kind)} || Kind <- kinds(), is_integer(get(Kind))],
  Result#{seen => Seen}.

exchange(Next, Pending, #{count := Count, window := Window} = State)
    when Next =< Count, map_size(Pending) < Window ->
  #{server := Server, seed := Seed, step := Step} = State,
  Term = numbered(Seed, Next),
  Size = erlang:external_size(Term),
  [seen(fragmented) || Size > 65536],
  [seen(megabyte) || Size > 1000000],
  Server ! {self(), Next, Term},
  exchange(Next + Step, Pending#{Next => Term}, State);
exchange(_, Pending, State) when map_size(Pending) =:= 0 ->
  %% What comes twice comes at once.
  receive
    Message -> exchange(infinity, Pending, unexpected(Message, State))
  after 100 ->
    State#{reason => finished, unanswered => []}
  end;
exchange(Next, Pending, #{server := {_, Node}, patience := Patience} = State) ->
  receive
    {Number, Term} when is_map_key(Number, Pending) ->
      {Sent, Rest} = maps:take(Number, Pending),
      exchange(Next, Rest, answered(Number, Sent, Term, State));
    {nodedown, Node} ->
      State#{reason => nodedown, unanswered => maps:keys(Pending)};
    Message ->
      exchange(Next, Pending, unexpected(Message, State))
  after Patience ->
    State#{reason => timeout, unanswered => maps:keys(Pending)}
  end.

answered(Number, Sent, Received, #{answered := Answered} = State) ->
  Counted = State#{answered := Answered + 1},
  case same(Sent, Received) of
    true -> Counted;
    false -> changed(Number, Sent, Received, Counted)
  end.

changed(Number, Sent, Received, #{changed := Changed, details := Details} = State) ->
  Difference =
    try difference(Sent, Received)
    catch Class:Reason -> [{Class, shorten(Reason)}]
    end,
  Detail = [{number, Number} | Difference],
  State#{changed := [Number | Changed],
         details := case length(Details) < 5 of true -> Details ++ [Detail]; false -> Details end}.

unexpected(Message, #{unexpected := Unexpected} = State) ->
  State#{unexpected := [shorten(Message) | Unexpected]}.

%% Before OTP 27 0.0 =:= -0.0, but they are written differently.
same(A, B) -> A =:= B andalso term_to_binary(A) =:= term_to_binary(B).

%% Where two terms differ first, and how.

difference(Sent, Received) ->
  {Path, A, B} = deepest(Sent, Received, []),
  [{depth, length(Path)}, {at, shorten(lists:reverse(lists:sublist(Path, 12)))},
   {sent, shorten(A)}, {received, shorten(B)},
   {bytes_sent, bytes(A)}, {bytes_received, bytes(B)}].

deepest(A, B, Path) ->
  case first(parts(A), parts(B)) of
    {Step, PartA, PartB} -> deepest(PartA, PartB, [Step | Path]);
    none -> {Path, A, B}
  end.

first([{Step, A} | RestA], [{Step, B} | RestB]) ->
  case same(A, B) of
    true -> first(RestA, RestB);
    false -> {Step, A, B}
  end;
first(_, _) -> none.

parts(Term) when is_tuple(Term) ->
  Size = tuple_size(Term),
  [{{element, Size, I}, element(I, Term)} || I <- lists:seq(1, Size)];
parts([_ | _] = Term) -> cells(Term, 1);
parts(Term) when is_map(Term) ->
  [{{key, Key}, Value} || {Key, Value} <- lists:sort(maps:to_list(Term))];
parts(Term) when is_function(Term) ->
  {env, Env} = erlang:fun_info(Term, env),
  {module, Module} = erlang:fun_info(Term, module),
  {name, Name} = erlang:fun_info(Term, name),
  {arity, Arity} = erlang:fun_info(Term, arity),
  [{module, Module}, {name, Name}, {arity, Arity}, {env, Env}];
parts(Term) ->
  %% Atoms and numbers are no records, and before OTP 29 nothing is.
  try
    [{module, records:get_module(Term)}, {name, records:get_name(Term)}
     | [{{field, It}, records:get(It, Term)} || It <- records:get_field_names(Term)]]
  catch
    _:_ -> []
  end.

cells([Head | Tail], I) -> [{{item, I}, Head} | cells(Tail, I + 1)];
cells([], _) -> [];
cells(Tail, _) -> [{tail, Tail}].

shorten(Term) ->
  lists:sublist(lists:flatten(io_lib:format("~0P", [Term, 25])), 300).

bytes(Term) ->
  Bytes = term_to_binary(Term),
  {byte_size(Bytes), binary:part(Bytes, 0, min(byte_size(Bytes), 40))}.

%% The terms.

kinds() ->
  [small_integer, boundary_integer, big_integer, float, boundary_float, minus_zero, atom, empty_atom,
   longest_atom, utf8_atom, latin1_atom, quoted_atom, binary, refc_binary, sub_binary, bitstring,
   sub_bitstring, nil, list, string, long_string, improper_list, tuple, wide_tuple, map, large_map,
   map_as_key, numeric_keys, pid, ended_pid, foreign_pid, port, foreign_port, reference,
   magic_reference, foreign_reference, fun_of_module, fun_of_library, fun_of_shell, fun_not_loaded,
   external_fun, deep, wide, many_atoms, fragmented, megabyte]
  ++ [alias || has_aliases()]
  ++ [It || It <- [record, record_of_definition], has_records()].

has_aliases() -> erlang:function_exported(erlang, alias, 0).

has_records() -> code:is_loaded(random_records) =/= false.

seen(Kind) ->
  put(Kind, case get(Kind) of undefined -> 1; Times -> Times + 1 end).

%% The source of a fun of the shell, processes, ports, and bytes to cut binaries from.
prepare() ->
  {ok, Tokens, _} = erl_scan:string("fun(X) -> {X, V, W} end."),
  {ok, [Fun]} = erl_parse:parse_exprs(Tokens),
  rand:seed(exsss, 1),
  Bytes = << <<(rand:uniform(1 bsl 32) - 1):32>> || _ <- lists:seq(1, 1 bsl 15) >>,
  Pids = list_to_tuple(processes()),
  Ports = list_to_tuple(erlang:ports()),
  persistent_term:put(random_terms, {Fun, Pids, Ports, Bytes}).

term(Seed, Number) ->
  prepare(),
  numbered(Seed, Number).

numbered(Seed, Number) ->
  rand:seed(exsss, {Seed, Number, 1}),
  root(Number).

%% The large ones, shared out evenly among four senders.
root(Number) when Number rem 2000 =:= 73 -> heavy(1000001 + rand:uniform(1500000));
root(Number) when Number rem 100 =:= 13 -> heavy(65537 + rand:uniform(150000));
root(Number) when Number rem 100 =:= 30 -> deep();
root(Number) when Number rem 100 =:= 44 -> many_atoms();
root(Number) when Number rem 100 =:= 55 -> long_string();
root(Number) when Number rem 100 =:= 66 -> wide_tuple();
root(Number) when Number rem 100 =:= 68 -> large_map();
root(Number) when Number rem 100 =:= 87 -> wide();
root(Number) when Number rem 10 =:= 1 -> leaf();
root(_) -> any(1 bsl rand:uniform(8)).

%% A term of about so many parts.
any(Budget) when Budget < 2 -> leaf();
any(Budget) ->
  case rand:uniform(5) of
    1 -> leaf();
    _ ->
      composite(one_of({list, list, list, tuple, tuple, tuple, map, map, improper_list, map_as_key,
                        numeric_keys, fun_of_module, fun_not_loaded, record}), Budget)
  end.

%% Terms that share the budget.
some(Budget) -> some(Budget, rand:uniform(min(Budget - 1, 12))).

some(Budget, Count) ->
  Most = max(1, min(Budget - 1, 2 * Budget div Count)),
  [any(rand:uniform(Most)) || _ <- lists:seq(1, Count)].

composite(list, Budget) -> seen(list), some(Budget);
composite(tuple, Budget) -> seen(tuple), list_to_tuple(some(Budget));
composite(improper_list, Budget) ->
  seen(improper_list),
  some(Budget) ++ one_of({a, 1, <<"tail">>, {}, #{}, 2.0, self()});
composite(map, Budget) ->
  seen(map),
  Values = some(Budget),
  Keys = [any(rand:uniform(3)) || _ <- Values],
  maps:from_list(lists:zip(Keys, Values));
composite(map_as_key, Budget) ->
  seen(map_as_key),
  [Value | Keys] = some(Budget),
  #{maps:from_list([{It, Value} || It <- Keys]) => Value, #{} => #{}};
composite(numeric_keys, Budget) ->
  seen(numeric_keys),
  [Value | Rest] = some(Budget),
  I = one_of({0, 1, -1, 1 bsl 53, 1 bsl 70}),
  #{I => Value, float(I) => Rest, {I} => 1, {float(I)} => 1.0};
composite(fun_of_module, Budget) -> fun_of_module(some(Budget));
composite(fun_of_shell, Budget) ->
  seen(fun_of_shell),
  {Fun, _, _, _} = persistent_term:get(random_terms),
  [V | W] = some(Budget),
  Bindings = erl_eval:add_binding('W', W, erl_eval:add_binding('V', V, erl_eval:new_bindings())),
  {value, Value, _} = erl_eval:expr(Fun, Bindings),
  Value;
composite(fun_not_loaded, Budget) ->
  seen(fun_not_loaded),
  Free = some(Budget),
  Index = rand:uniform(3),
  Fields =
    [rand:uniform(256) - 1, <<"sixteen bytes ..">>, <<Index:32, (length(Free)):32>>
     | [bare(It) || It <- ['module that is not', Index, 12345678, self() | Free]]],
  %% NEW_FUN_EXT
  binary_to_term(iolist_to_binary([131, 112, <<(4 + iolist_size(Fields)):32>> | Fields]));
composite(record, Budget) ->
  case has_records() of
    false -> composite(tuple, Budget);
    true -> record(some(Budget))
  end.

record([X | Rest] = Values) ->
  case rand:uniform(3) of
    1 ->
      seen(record_of_definition),
      random_records:make(X, Rest);
    _ ->
      seen(record),
      Names = lists:sublist([x, y, 'Z', '', 'a b', b, c, d, e, f, g, h], length(Values)),
      records:create(one_of({m, random_records, lists}), one_of({r, point, ''}),
                     lists:zip(Names, Values), #{is_exported => one_of({true, false})})
  end.

fun_of_module([X | Rest] = Values) ->
  seen(fun_of_module),
  case rand:uniform(6) of
    1 -> fun() -> X end;
    2 -> fun(Y) -> {X, Y, Rest} end;
    3 -> fun(Y, _) -> [Y | Values] end;
    4 -> fun Loop(_, _, _) -> {Loop, Rest} end;
    5 -> fun(Y) -> Y end;
    6 -> fun record/1
  end.

%% Of no parts, or few.
leaf() ->
  Kind = one_of({
    small_integer, small_integer, boundary_integer, big_integer, float, boundary_float, minus_zero,
    atom, atom, empty_atom, longest_atom, utf8_atom, latin1_atom, quoted_atom, binary, refc_binary,
    sub_binary, bitstring, sub_bitstring, nil, string, pid, ended_pid, foreign_pid, port,
    foreign_port, reference, magic_reference, foreign_reference, alias, external_fun, external_fun,
    costly
  }),
  leaf(Kind).

%% One of the shortest, mostly.
short() ->
  case rand:uniform(20) of
    1 -> leaf();
    _ -> leaf(one_of({small_integer, boundary_integer, float, atom, atom, nil, minus_zero, pid}))
  end.

leaf(alias) ->
  case has_aliases() of
    false -> leaf(reference);
    true -> seen(alias), alias_of(rand:uniform(2))
  end;
leaf(costly) ->
  %% About a kilobyte each.
  case rand:uniform(4) of
    1 -> leaf(fun_of_library);
    2 -> composite(fun_of_shell, 3);
    _ -> leaf(external_fun)
  end;
leaf(Kind) -> seen(Kind), new(Kind).

alias_of(1) -> erlang:alias();
alias_of(2) -> Alias = erlang:alias([reply]), erlang:unalias(Alias), Alias.

new(small_integer) -> rand:uniform(700) - 300;
new(boundary_integer) ->
  Power = one_of({7, 8, 15, 16, 27, 28, 31, 31, 32, 52, 53, 53, 54, 59, 60, 63, 63, 64, 64, 127, 128}),
  one_of({1, -1}) * ((1 bsl Power) + rand:uniform(5) - 3);
new(big_integer) ->
  Bits =
    case rand:uniform(10) of
      1 -> 8 * 255 + rand:uniform(9) - 5;
      2 -> rand:uniform(20000);
      _ -> 64 + rand:uniform(2500)
    end,
  <<Value:Bits, _/bits>> = cut((Bits + 7) div 8),
  one_of({1, -1}) * Value;
new(float) ->
  case rand:uniform(3) of
    1 -> float(rand:uniform(2000) - 1000);
    2 -> rand:normal();
    3 -> float_of(cut(8))
  end;
new(boundary_float) ->
  Value =
    case rand:uniform(5) of
      1 -> float_of(<<0:12, (rand:uniform((1 bsl 52) - 1)):52>>);
      _ -> one_of({0.0, 1.7976931348623157e308, 5.0e-324, 2.2250738585072014e-308, 0.1,
                   9007199254740992.0, 9007199254740993.0, 1.0e22, 1.8446744073709552e19})
    end,
  one_of({1.0, -1.0}) * Value;
new(minus_zero) -> float_of(<<1:1, 0:63>>);
new(atom) -> pool_atom(rand:uniform(3000));
new(empty_atom) -> '';
new(longest_atom) ->
  list_to_atom(lists:duplicate(one_of({254, 255}), one_of({$a, 16#E9, 16#3042, 16#1F600})));
new(utf8_atom) ->
  First = one_of({16#100, 16#3B1, 16#7FF, 16#800, 16#D7FF, 16#E000, 16#FFFD, 16#10000, 16#10FFFF}),
  list_to_atom([First | lists:seq(16#430, 16#430 + rand:uniform(30))]);
new(latin1_atom) -> list_to_atom([16#7F + rand:uniform(128) || _ <- lists:seq(1, rand:uniform(2))]);
new(quoted_atom) ->
  one_of({'Upper', 'two words', 'it\'s', '\\', '\n', '1a', '_', 'end', '@', '[]', 'a@b', '\0', '"', true,
          false, undefined, nil, 'Elixir.Enum'});
new(binary) -> binary:copy(cut(one_of({0, 1, 2, 63, 64, rand:uniform(100), rand:uniform(1000)})));
new(refc_binary) -> binary:copy(cut(one_of({65, 255, 256, 257, 64 + rand:uniform(4000)})));
new(sub_binary) ->
  Size = one_of({0, 1, 64, 65, 500}),
  <<_, Part:Size/binary, _/binary>> = binary:copy(cut(600)),
  Part;
new(bitstring) ->
  Bits = 8 * one_of({0, 1, 63, 64, rand:uniform(300)}) + rand:uniform(7),
  <<Part:Bits/bits, _/bits>> = cut(400),
  <<Part/bits>>;
new(sub_bitstring) ->
  Skipped = rand:uniform(7),
  Bits = rand:uniform(2000),
  <<_:Skipped, Part:Bits/bits, _/bits>> = cut(400),
  Part;
new(nil) -> [];
new(string) -> binary_to_list(cut(rand:uniform(100)));
new(pid) ->
  case rand:uniform(20) of
    1 -> {_, Pids, _, _} = persistent_term:get(random_terms), one_of(Pids);
    _ -> self()
  end;
new(ended_pid) ->
  case get(ended) of
    Ended when is_pid(Ended), Ended =/= self() ->
      rand:uniform(20) =:= 1 andalso erase(ended),
      Ended;
    undefined ->
      {Pid, Monitor} = spawn_monitor(fun() -> ok end),
      receive {'DOWN', Monitor, _, _, _} -> put(ended, Pid), Pid end
  end;
new(foreign_pid) ->
  {Ids, Serials} = case has_aliases() of true -> {32, 32}; false -> {15, 13} end,
  %% NEW_PID_EXT
  binary_to_term(<<131, 88, (foreign_node())/binary, (uint(Ids)):32, (uint(Serials)):32, (creation()):32>>);
new(port) ->
  {_, _, Ports, _} = persistent_term:get(random_terms),
  one_of(Ports);
new(foreign_port) ->
  case has_aliases() andalso rand:uniform(2) of
    2 -> %% V4_PORT_EXT
      binary_to_term(<<131, 120, (foreign_node())/binary, (uint(64)):64, (creation()):32>>);
    _ -> %% NEW_PORT_EXT
      binary_to_term(<<131, 89, (foreign_node())/binary, (uint(28)):32, (creation()):32>>)
  end;
new(reference) -> make_ref();
new(magic_reference) -> atomics:new(1, []);
new(foreign_reference) ->
  %% Not of one word: before OTP 27 a map may not find such a key again, on the node itself.
  {Words, First} =
    case has_aliases() of
      true -> {1 + rand:uniform(4), 32};
      false -> {1 + rand:uniform(2), 18}
    end,
  %% NEWER_REFERENCE_EXT
  binary_to_term(<<131, 90, Words:16, (foreign_node())/binary, (creation()):32, (uint(First)):32,
                   (cut(4 * (Words - 1)))/binary>>);
new(fun_of_library) ->
  rand:seed_s(one_of({exsss, exrop, exro928ss, exsp}), rand:uniform(1000));
new(external_fun) ->
  case rand:uniform(3) of
    1 -> fun lists:reverse/1;
    2 -> fun erlang:'+'/2;
    3 -> fun_of(pool_atom(rand:uniform(20)), new(one_of({quoted_atom, latin1_atom, longest_atom})),
                one_of({0, 1, 255}))
  end.

fun_of(Module, Name, Arity) when is_atom(Name) -> fun Module:Name/Arity;
fun_of(Module, _, Arity) -> fun Module:'not there'/Arity.

pool_atom(I) -> list_to_atom("atom_" ++ integer_to_list(I, 36)).

%% Never 0, which stands for any.
creation() -> one_of({1, 3, 4, 16#7FFFFFFF, 16#FFFFFFFF}).

foreign_node() ->
  Peer = case get(peer) of undefined -> 'peer@nowhere'; Name -> Name end,
  bare(one_of({'other@127.0.0.1', node(), Peer, list_to_atom([16#FC, $@, 16#3B1])})).

%% Without the version.
bare(Term) -> <<131, Bytes/binary>> = term_to_binary(Term), Bytes.

float_of(Bytes) ->
  case Bytes of
    <<Value/float>> -> Value;
    _ -> 1.5
  end.

uint(Bits) -> rand:uniform(1 bsl Bits) - 1.

cut(Size) ->
  {_, _, _, Bytes} = persistent_term:get(random_terms),
  binary:part(Bytes, rand:uniform(byte_size(Bytes) - Size + 1) - 1, Size).

one_of(Tuple) -> element(rand:uniform(tuple_size(Tuple)), Tuple).

%% Large terms.

deep() ->
  seen(deep),
  Style = one_of({list, tuple, map, key, improper, 'fun', record, mixed, mixed}),
  Levels = case Style of key -> 100 + rand:uniform(100); _ -> 200 + rand:uniform(4000) end,
  nested(Levels, Style, any(10)).

nested(0, _, Term) -> Term;
nested(Levels, mixed, Term) ->
  nested(Levels - 1, mixed, within(one_of({list, tuple, map, improper, 'fun', record}), Term));
nested(Levels, Style, Term) -> nested(Levels - 1, Style, within(Style, Term)).

within(list, Term) -> [Term];
within(tuple, Term) -> {Term, 1};
within(map, Term) -> #{a => Term};
within(key, Term) -> #{Term => a};
within(improper, Term) -> [[b | c] | Term];
within('fun', Term) -> fun() -> Term end;
within(record, Term) ->
  case has_records() of
    true -> records:create(m, r, [{f, Term}], #{is_exported => true});
    false -> {Term}
  end.

many_atoms() ->
  seen(many_atoms),
  Count = one_of({252, 253, 254, 255, 256, 257, 300, 1000, 2500}),
  First = rand:uniform(4000),
  Atoms = [pool_atom(I) || I <- lists:seq(First, First + Count - 1)],
  case rand:uniform(3) of
    1 -> Atoms;
    2 -> list_to_tuple(Atoms ++ lists:reverse(Atoms));
    3 -> maps:from_list([{It, [It]} || It <- Atoms])
  end.

long_string() ->
  seen(long_string),
  Size = one_of({255, 256, 65534, 65535, 65536, 65537, 100000}),
  case rand:uniform(3) of
    1 -> binary_to_list(cut(Size)) ++ one_of({[256], [-1], [a], []});
    _ -> binary_to_list(cut(Size))
  end.

wide_tuple() ->
  seen(wide_tuple),
  Size = one_of({254, 255, 256, 257, 255 + rand:uniform(2000)}),
  list_to_tuple([short() || _ <- lists:seq(1, Size)]).

large_map() ->
  seen(large_map),
  Count = one_of({31, 32, 33, 34, 33 + rand:uniform(1500)}),
  maps:from_list([{one_of({I, -I, float(I), {I}, [I], {short(), I}}), short()} || I <- lists:seq(1, Count)]).

wide() ->
  seen(wide),
  [any(rand:uniform(3)) || _ <- lists:seq(1, 100 + rand:uniform(400))].

heavy(Size) ->
  Parts = gathered(Size, []),
  case rand:uniform(5) of
    1 -> Parts;
    2 -> list_to_tuple(Parts);
    3 -> maps:from_list(lists:zip(lists:seq(1, length(Parts)), Parts));
    4 -> fun() -> Parts end;
    5 -> [binary:copy(cut(1000), Size div 1000 + 1) | leaf()]
  end.

gathered(Size, Parts) when Size =< 0 -> Parts;
gathered(Size, Parts) ->
  Part =
    case rand:uniform(8) of
      1 -> binary:copy(cut(rand:uniform(100000)));
      2 -> binary_to_list(cut(rand:uniform(20000)));
      3 -> [uint(40) || _ <- lists:seq(1, 2000)];
      4 -> [rand:uniform() || _ <- lists:seq(1, 1000)];
      5 -> many_atoms();
      6 -> large_map();
      7 -> some(1000, 200);
      8 -> wide_tuple()
    end,
  gathered(Size - erlang:external_size(Part), [Part | Parts]).
`
