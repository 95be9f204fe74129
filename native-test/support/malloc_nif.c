/*
 * A NIF that takes memory with malloc and keeps it: memory of the emulator's process that none of its
 * allocators knows.
 */
#include <stdlib.h>
#include <string.h>
#include "nif.h"

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
