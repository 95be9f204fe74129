%% Nothing to do.
ok.
