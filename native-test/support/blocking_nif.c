/*
 * A NIF that blocks the scheduler that runs it, which no NIF should do for longer than a millisecond.
 */
#include <time.h>
#include "nif.h"

/* block(Milliseconds) */
static ERL_NIF_TERM block(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
  unsigned long milliseconds;
  struct timespec left;
  if (argc != 1 || !enif_get_ulong(env, argv[0], &milliseconds)) return enif_make_badarg(env);
  left.tv_sec = milliseconds / 1000;
  left.tv_nsec = milliseconds % 1000 * 1000000;
  /* A signal does not end it. */
  while (nanosleep(&left, &left) != 0) {
  }
  return enif_make_atom(env, "ok");
}

static ErlNifFunc functions[] = {{"block", 1, block, 0}};

ErlNifEntry *nif_init(void) {
  static ErlNifEntry entry = {
      2, 15, "blocking_nif", 1, functions, NULL, NULL, NULL, NULL, "beam.vanilla", 0, 0, "erts-11.0",
  };
  return &entry;
}
