%% The spike: 40,000 binaries of 4 kB at once, of which every 20th is kept. Each one that stays pins its carrier,
%% which can hold a hundred others.
Hold = fun() ->
    [B || {I, B} <- [{I, binary:copy(<<I:32>>, 1024)} || I <- lists:seq(1, 40000)], I rem 20 =:= 0]
end,
Starter = self(),
spawn(fun() ->
    Kept = Hold(),
    erlang:garbage_collect(),
    Starter ! held,
    receive stop -> Kept end
end),
receive held -> ok end.
