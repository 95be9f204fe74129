/** A shell script in the place of a program on PATH. */
import { chmod, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { vi } from 'vitest'
import { createTemporaryFolder, type TemporaryFolder } from '../../src/testing/temporary-folder.ts'

/** Puts `script` before the real program, until `vi.unstubAllEnvs()`. */
export async function pretendProgram(name: string, script: string): Promise<TemporaryFolder> {
  const folder = await createTemporaryFolder()
  const file = join(folder.path, name)
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o700)
  vi.stubEnv('PATH', [folder.path, process.env.PATH].join(delimiter))
  return folder
}
