%% Connects with the others, and again whenever one of them comes back.
Peers = ['shop@shop2', 'shop@shop3', 'shop@shop5'],
Stay = fun Stay(Peer) ->
    net_kernel:connect_node(Peer),
    timer:sleep(500),
    Stay(Peer)
end,
[spawn(fun() -> Stay(Peer) end) || Peer <- Peers],
Wait = fun Wait() ->
    case Peers -- nodes() of
        [] -> ok;
        _ -> timer:sleep(100), Wait()
    end
end,
Wait().
