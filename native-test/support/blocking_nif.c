/*
 * A NIF that blocks the scheduler that runs it, which no NIF should do for longer than a millisecond.
 *
 * The types are those of erl_nif.h, version 2.15 (OTP 23), so that it loads on every later release and
 * needs no header of any.
 */
#include <stddef.h>
#include <time.h>

typedef unsigned long ERL_NIF_TERM;
typedef struct enif_environment_t ErlNifEnv;

typedef struct {
  const char *name;
  unsigned arity;
  ERL_NIF_TERM (*fptr)(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]);
  unsigned flags;
} ErlNifFunc;

typedef struct {
  int major;
  int minor;
  const char *name;
  int num_of_funcs;
  ErlNifFunc *funcs;
  int (*load)(ErlNifEnv *, void **, ERL_NIF_TERM);
  int (*reload)(ErlNifEnv *, void **, ERL_NIF_TERM);
  int (*upgrade)(ErlNifEnv *, void **, void **, ERL_NIF_TERM);
  void (*unload)(ErlNifEnv *, void *);
  const char *vm_variant;
  unsigned options;
  size_t sizeof_ErlNifResourceTypeInit;
  const char *min_erts;
} ErlNifEntry;

extern int enif_get_ulong(ErlNifEnv *, ERL_NIF_TERM, unsigned long *);
extern ERL_NIF_TERM enif_make_badarg(ErlNifEnv *);
extern ERL_NIF_TERM enif_make_atom(ErlNifEnv *, const char *);

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
