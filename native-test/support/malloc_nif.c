/*
 * A NIF that takes memory with malloc and keeps it: memory of the emulator's process that none of its
 * allocators knows.
 *
 * The types are those of erl_nif.h, version 2.15 (OTP 23), so that it loads on every later release and
 * needs no header of any.
 */
#include <stdlib.h>
#include <string.h>

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

/* take(Bytes): touches every byte, so that all of it is resident. */
static ERL_NIF_TERM take(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
  unsigned long bytes;
  char *memory;
  if (argc != 1 || !enif_get_ulong(env, argv[0], &bytes)) return enif_make_badarg(env);
  memory = malloc(bytes);
  if (memory == NULL) return enif_make_atom(env, "enomem");
  memset(memory, 1, bytes);
  /* Kept for ever, and not for the compiler to leave out. */
  return enif_make_atom(env, memory[bytes / 2] == 1 ? "ok" : "error");
}

static ErlNifFunc functions[] = {{"take", 1, take, 0}};

ErlNifEntry *nif_init(void) {
  static ErlNifEntry entry = {
      2, 15, "malloc_nif", 1, functions, NULL, NULL, NULL, NULL, "beam.vanilla", 0, 0, "erts-11.0",
  };
  return &entry;
}
