import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readTlsFiles } from '../../src/node/tls-files.ts'
import { runCli } from '../cli/run-cli.ts'

const SECRET = 'MHcCAQEEIC'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-tls-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function write(name: string, text: string, mode: number): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, text)
  await chmod(file, mode)
  return file
}

describe('the files of TLS', () => {
  test('are read as they are, and what is not named stays away', async () => {
    const ca = await write('ca', 'authority', 0o644)
    const key = await write('key', SECRET, 0o400)
    expect(await readTlsFiles({ ca, key })).toEqual({
      ca: Buffer.from('authority'),
      cert: undefined,
      key: Buffer.from(SECRET),
    })
  })

  test.skipIf(process.platform === 'win32').each([0o440, 0o404, 0o644, 0o660])(
    'hold no key that others can read (%o)',
    async (mode) => {
      const key = await write(`key-${mode}`, SECRET, mode)
      const error: unknown = await readTlsFiles({ key }).catch((reason) => reason)
      expect(error).toMatchObject({
        code: 'ERR_TLS_FILE',
        file: key,
        message: `the file ${key} can be read by others`,
        hint: `chmod 400 ${key}`,
      })
    },
  )

  test.each(['ca', 'cert', 'key'])('are told where %s is not there, or no file', async (option) => {
    for (const file of [join(folder, 'missing'), folder]) {
      await expect(readTlsFiles({ [option]: file })).rejects.toMatchObject({
        code: 'ERR_TLS_FILE',
        file,
      })
    }
  })

  test('that cannot be used end the command line in 2, before anything is sent', async () => {
    const env = { BEAMSCOPE_COOKIE: 'cookie' }
    const cert = await write('cert', 'no certificate', 0o644)
    const key = await write('open', SECRET, 0o644)
    const usual = ['ping', 'a@127.0.0.1', '--port', '1', '--tls', '--cert', cert, '--key']
    const open = await runCli([...usual, key, '--verbose'], { env })
    expect(open).toMatchObject({ code: 2, stdout: '' })
    expect(open.stderr).toContain('can be read by others\n  hint: chmod 400')
    await chmod(key, 0o400)
    const unusable = await runCli([...usual, key, '--verbose'], { env })
    expect(unusable).toMatchObject({ code: 2, stdout: '' })
    expect(unusable.stderr).toContain('what --cert gives is no certificate in PEM format')
    expect(open.stderr + unusable.stderr).not.toContain(SECRET)
  })
})
