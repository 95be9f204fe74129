/** The demonstration, as a user runs it: the built program in a process of its own. */
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { describeUnless } from './support/describe-on-release.ts'
import { ProgramMissingError, type ProgramResult, runProgram } from './support/index.ts'

const MAIN = fileURLToPath(new URL('../lib/cli/main.cjs', import.meta.url))

function demo(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<ProgramResult> {
  return runProgram([process.execPath, MAIN, 'demo', ...argv], { timeout: 60_000, environment })
}

async function whyNoErlang(): Promise<string | undefined> {
  try {
    await runProgram(['erl', '-noshell', '-eval', 'halt().'], { timeout: 30_000 })
    return undefined
  } catch (error) {
    if (!(error instanceof ProgramMissingError)) throw error
    return 'there is no erl on PATH; install Erlang (Debian: erlang-base)'
  }
}

describe('the demonstration', () => {
  it('reaches the replay node over a real socket and diagnoses its incident', async () => {
    const { status, stdout, stderr } = await demo([])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^Diagnosis {2}shop@127\.0\.0\.1\nOTP 27, 4 schedulers/)
    expect(stdout).toMatch(/VERDICT {2}fragmented .* binary_alloc/)
    expect(stderr).toMatch(/^replaying a node .*\njoined shop@127\.0\.0\.1 as a hidden node in/)
  })

  it('prints one JSON object for programs', async () => {
    const { stdout } = await demo(['--json'])
    const { data, ...about } = JSON.parse(stdout)
    expect(about).toMatchObject({
      beamscope: 'demo/1',
      node: 'shop@127.0.0.1',
      otp_release: '27',
    })
    expect(data.verdict).toBe('fragmented')
    expect(data.findings[0]).toMatchObject({
      id: 'fragmented-allocator',
      allocator: 'binary_alloc',
    })
  })

  it('says what --live needs where there is no Erlang', async () => {
    const { status, stdout, stderr } = await demo(['--live'], { PATH: '/nowhere' })
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain('there is no erl on PATH')
    expect(stderr).toContain('hint:')
  })
})

const shortfall = await whyNoErlang()
if (shortfall !== undefined) console.error(`the live demonstration skipped: ${shortfall}`)

describeUnless(shortfall, 'the live demonstration', () => {
  it('fragments a real node, finds it fragmented, and leaves nothing behind', async () => {
    const { status, stdout, stderr } = await demo(['--live', '--json'])
    expect({ status, stderr }).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/started/),
    })
    const { node, data } = JSON.parse(stdout)
    expect(data).toMatchObject({
      verdict: 'fragmented',
      findings: [{ allocator: 'binary_alloc' }, ...data.findings.slice(1)],
    })
    const { stdout: processes } = await runProgram(['ps', '-eo', 'args'], { timeout: 10_000 })
    expect(processes).not.toContain(node)
  })
})
