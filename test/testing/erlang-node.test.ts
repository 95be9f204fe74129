import { afterEach, expect, test, vi } from 'vitest'
import { startErlangNode } from '../../src/testing/erlang-node.ts'
import { IsolationUnavailableError } from '../../src/testing/errors.ts'
import { pretendProgram } from './pretend-program.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('refuses to isolate a node where no Docker engine answers', async () => {
  await using _docker = await pretendProgram('docker', 'exit 1')
  await using _erl = await pretendProgram('erl', 'printf "25 ssl /bin"')
  await expect(startErlangNode({ isolated: true })).rejects.toThrow(IsolationUnavailableError)
})
