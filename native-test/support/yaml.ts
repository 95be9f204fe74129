/** Reads YAML, as a program that everybody has reads it: no package of ours does. */
import { readFile } from 'node:fs/promises'
import { runProgram } from './index.ts'

const PYTHON = '/usr/bin/python3'

const PROGRAM = 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)'

/** Says why none can be read on this machine. */
export async function whyNoYaml(): Promise<string | undefined> {
  const found = await runProgram([PYTHON, '-c', 'import yaml'], { timeout: 30_000 }).catch(
    () => undefined,
  )
  return found?.status === 0
    ? undefined
    : 'Python has no module yaml; install it (Debian: python3-yaml)'
}

/** What the file holds; whoever asks says what that is. */
export async function readYaml<T>(file: string): Promise<T> {
  const input = await readFile(file, 'utf8')
  const { status, stdout, stderr } = await runProgram([PYTHON, '-c', PROGRAM], {
    input,
    timeout: 30_000,
  })
  if (status !== 0) throw new Error(`${file}: ${stderr}`)
  return JSON.parse(stdout)
}
