/** The random terms between two real nodes: an honest echo is believed, and a lying one found out. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'
import { echoRandomTerms, loadErlangModule, loadRandomTerms } from './support/random-terms.ts'

const count = 10_000
const seed = 20_825
const waiting = { timeout: 110_000 }

describeOnEachRelease('random terms', (release) => {
  let first: ErlangNode
  let second: ErlangNode

  beforeAll(async () => {
    first = await startErlangNode({ release })
    const { epmdPort, cookie } = first
    second = await startErlangNode({ release, epmdPort, cookie })
    await loadRandomTerms(first)
  })

  afterAll(async () => {
    await second.kill()
    await first.kill()
  })

  it('come back from an honest echo, of every kind', async () => {
    await second.evaluate(
      'register(honest, spawn(fun F() -> receive {From, N, T} -> From ! {N, T}, F() end end))',
    )
    const answer = await first.evaluate(
      echoRandomTerms({ server: 'honest', node: second.name, count, seed }),
      waiting,
    )
    expect(answer).toMatch(/^\{ok,10000,\[/)
    const seen = new Map(
      Array.from(answer.matchAll(/\{(\w+),(\d+)\}/g), ([, kind, times]) => [kind, Number(times)]),
    )
    expect(seen.size).toBe(46 + (release >= 24 ? 1 : 0) + (release >= 29 ? 2 : 0))
    expect([...seen].filter(([, times]) => times < 5)).toStrictEqual([])
    expect(seen.get('fragmented')).toBeGreaterThanOrEqual(100)
  })

  it('are made again from their seed and number', async () => {
    expect(
      await first.evaluate(`
        Written = [[term_to_binary(random_terms:term(${seed}, N)) || N <- [55, 155, 2055]]
                   || _ <- [1, 2]],
        [hd(Written) =:= lists:last(Written), length(lists:usort(hd(Written)))]
      `),
    ).toBe('[true,3]')
  })

  describe('to an echo that lies for one term in 500', () => {
    let report: string
    let told: string

    beforeAll(async () => {
      await loadErlangModule(second, lyingEcho)
      await second.evaluate('lying_echo:start()')
      report = await first.evaluate(
        echoRandomTerms({ server: 'lying', node: second.name, count, seed, patience: 5000 }),
        waiting,
      )
      told = await second.evaluate('lying_echo:told()')
    })

    const numbersOf = (what: string): readonly string[] => numbers(report, what)
    const lies = (): readonly (readonly [string, string])[] =>
      Array.from(told.matchAll(/\{(\w+),(\d+)\}/g), ([, lie = '', number = '']) => [lie, number])
    const numbersOfLies = (holds: (lie: string) => boolean): readonly string[] =>
      lies()
        .filter(([lie]) => holds(lie))
        .map(([, number]) => number)
        .toSorted((a, b) => Number(a) - Number(b))

    const ofAnswers = ['lost', 'misnumbered', 'twice']

    it('has been told every lie', () => {
      expect(lies()).toHaveLength(release >= 29 ? 20 : 19)
    })

    it('are reported where they changed, and nowhere else', () => {
      expect(report).toMatch(/^\{failed,/)
      expect(numbersOf('changed'), `${told} ${report}`).toStrictEqual(
        numbersOfLies((lie) => !ofAnswers.includes(lie)),
      )
    })

    it('are reported where no answer came, or one too many', () => {
      expect(numbersOf('unanswered'), report).toStrictEqual(
        numbersOfLies((lie) => lie === 'lost' || lie === 'misnumbered'),
      )
      expect(report).toContain('{unexpected,2,[')
    })

    it('are shown where they differ', () => {
      const [number] = numbersOfLies((lie) => lie === 'integer_to_float')
      const at = report.indexOf(`{number,${number}}`)
      expect(report.slice(at)).toMatch(
        /^\{number,\d+\},\{depth,\d+\},\{at,"[^"]*"\},\{sent,"(-?\d+)"\},\{received,"\1\.0"\}/,
      )
    })
  })

  it('are not waited for when the other node has ended', async () => {
    await second.kill()
    const report = await first.evaluate(
      echoRandomTerms({ server: 'honest', node: second.name, count: 4, seed, patience: 60_000 }),
    )
    expect(report).toContain('{reasons,[nodedown]}')
    expect(numbers(report, 'unanswered')).toStrictEqual(['1', '2', '3', '4'])
  })
})

/** Of `{What, Length, [Number]}` in a report. Numbers that look like characters are printed as such. */
function numbers(report: string, what: string): readonly string[] {
  const list = new RegExp(`\\{${what},\\d+,\\[([\\d,]*)\\]`).exec(report)?.[1] ?? ''
  return list.split(',').filter((it) => it !== '')
}

/** Tells each lie once, 500 terms apart or as soon after that as a term allows it. */
const lyingEcho = `
-module(lying_echo).
-export([start/0, told/0]).

start() ->
  register(lying, spawn(fun() -> loop(1, lies(), []) end)).

told() ->
  lying ! {told, self()},
  receive {told, Told} -> Told end.

loop(Count, Lies, Told) ->
  receive
    {told, From} ->
      From ! {told, Told},
      loop(Count, Lies, Told);
    {From, N, Term} when Lies =/= [], Count >= 500 * (length(Told) + 1) - 300 ->
      case tell(hd(Lies), N, Term) of
        truth ->
          From ! {N, Term},
          loop(Count + 1, Lies, Told);
        Answers ->
          [From ! Answer || Answer <- Answers],
          loop(Count + 1, tl(Lies), [{hd(Lies), N} | Told])
      end;
    {From, N, Term} ->
      From ! {N, Term},
      loop(Count + 1, Lies, Told)
  end.

lies() ->
  [integer_to_float, next_integer, without_a_bit, nil_to_atom, other_zero, next_float, shorter_atom,
   proper_list, shorter_tuple, smaller_map, swapped_keys, other_pid, other_port, other_reference,
   other_fun, other_arity, lost, misnumbered, twice]
  ++ [of_record || erlang:function_exported(erlang, alias, 0), code:which(records) =/= non_existing].

tell(lost, _, _) -> [];
tell(misnumbered, N, Term) -> [{N + 1000000, Term}];
tell(twice, N, Term) -> [{N, Term}, {N, Term}];
tell(Lie, N, Term) ->
  case changed(Lie, Term) of
    unchanged -> truth;
    {changed, New} -> [{N, New}]
  end.

%% The first part that the lie suits.
changed(Lie, Term) ->
  case lie(Lie, Term) of
    truth -> within(Lie, Term);
    New -> {changed, New}
  end.

within(Lie, Term) when is_tuple(Term) ->
  case within_list(Lie, tuple_to_list(Term)) of
    {changed, New} -> {changed, list_to_tuple(New)};
    unchanged -> unchanged
  end;
within(Lie, [_ | _] = Term) -> within_list(Lie, Term);
within(Lie, Term) when is_map(Term) ->
  {Keys, Values} = lists:unzip(maps:to_list(Term)),
  case within_list(Lie, Values) of
    {changed, New} -> {changed, maps:from_list(lists:zip(Keys, New))};
    unchanged -> unchanged
  end;
within(_, _) -> unchanged.

within_list(Lie, [Head | Tail]) ->
  case changed(Lie, Head) of
    {changed, New} -> {changed, [New | Tail]};
    unchanged ->
      case within_list(Lie, Tail) of
        {changed, New} -> {changed, [Head | New]};
        unchanged -> unchanged
      end
  end;
within_list(_, []) -> unchanged;
within_list(Lie, Tail) -> changed(Lie, Tail).

lie(integer_to_float, I) when is_integer(I), abs(I) < 1000 -> float(I);
lie(next_integer, I) when is_integer(I), abs(I) > 1 bsl 100 -> I + 1;
lie(without_a_bit, Bits) when is_bitstring(Bits), bit_size(Bits) rem 8 > 0 ->
  Size = bit_size(Bits) - 1,
  <<Rest:Size/bits, _:1>> = Bits,
  Rest;
lie(nil_to_atom, []) -> nil;
lie(other_zero, F) when is_float(F), F == 0 ->
  <<Sign:1, 0:63>> = <<F/float>>,
  <<Other/float>> = <<(1 - Sign):1, 0:63>>,
  Other;
lie(next_float, F) when is_float(F), F > 1.0e-300, F < 1.0e300 ->
  <<Bits:64>> = <<F/float>>,
  <<Other/float>> = <<(Bits + 1):64>>,
  Other;
lie(shorter_atom, Atom) when is_atom(Atom), Atom =/= '' ->
  list_to_atom(lists:droplast(atom_to_list(Atom)));
lie(proper_list, [Head | Tail]) when not is_list(Tail) -> [Head, Tail];
lie(shorter_tuple, Tuple) when tuple_size(Tuple) > 0 -> erlang:delete_element(tuple_size(Tuple), Tuple);
lie(smaller_map, Map) when map_size(Map) > 0 -> maps:remove(hd(maps:keys(Map)), Map);
lie(swapped_keys, #{1 := A, 1.0 := B} = Map) when A =/= B -> Map#{1 := B, 1.0 := A};
lie(other_pid, Pid) when is_pid(Pid) -> twiddled(Pid, byte_size(term_to_binary(Pid)) - 1);
lie(other_port, Port) when is_port(Port) -> twiddled(Port, byte_size(term_to_binary(Port)) - 1);
lie(other_reference, Ref) when is_reference(Ref) -> twiddled(Ref, byte_size(term_to_binary(Ref)) - 1);
lie(other_fun, Fun) when is_function(Fun) ->
  case erlang:fun_info(Fun, type) of
    %% NEW_FUN_EXT, in the name of the module: OTP 23 knows a fun whatever its Uniq.
    {type, local} -> twiddled(Fun, 34);
    {type, external} -> truth
  end;
lie(other_arity, Fun) when is_function(Fun) ->
  case [erlang:fun_info(Fun, It) || It <- [type, module, name, arity]] of
    [{type, external}, {_, M}, {_, F}, {_, A}] -> erlang:make_fun(M, F, (A + 1) rem 256);
    _ -> truth
  end;
lie(of_record, Record) when not is_number(Record), not is_list(Record), not is_atom(Record) ->
  case catch records:get_module(Record) of
    Module when is_atom(Module) ->
      Fields = [{It, records:get(It, Record)} || It <- records:get_field_names(Record)],
      records:create(Module, records:get_name(Record), Fields,
                     #{is_exported => not records:is_exported(Record)});
    _ -> truth
  end;
lie(_, _) -> truth.

twiddled(Term, At) ->
  <<Before:At/binary, Byte, After/binary>> = term_to_binary(Term),
  binary_to_term(<<Before/binary, (Byte bxor 64), After/binary>>).
`
