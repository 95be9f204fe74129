/*
 * What a NIF needs of erl_nif.h, in its version 2.15 (OTP 23): so it loads on every later release, and is compiled
 * without a header of any.
 */
#include <stddef.h>

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
