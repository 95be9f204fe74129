/** Compiles C beside this file, in the image that has a compiler. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../../src/testing/program.ts'

/** The library is binary, and what programs print is text. */
const COMMAND = 'gcc -shared -fPIC -O1 -Wall -Werror -x c -o /tmp/it.so - && base64 /tmp/it.so'

/** Compiles `NAME.c` to `NAME.so` in a folder, and returns the path of that. */
export async function compileLibrary(name: string, folder: string): Promise<string> {
  const read = (file: string): Promise<string> => readFile(new URL(file, import.meta.url), 'utf8')
  // The compiler gets one file, from its standard input.
  const source = (await read(`${name}.c`)).replace('#include "nif.h"', await read('nif.h'))
  const { status, stdout, stderr } = await runProgram(
    ['docker', 'run', '--rm', '--interactive', 'beamscope/compiler', 'sh', '-c', COMMAND],
    { input: source, timeout: 60_000 },
  )
  if (status !== 0 || stderr !== '') throw new Error(`${name}.c cannot be compiled: ${stderr}`)
  const path = join(folder, `${name}.so`)
  await writeFile(path, Buffer.from(stdout, 'base64'))
  return path
}
