import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect, promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Cookie } from '../../src/dist/cookie.ts'
import { readCookieFile, readDefaultCookie } from '../../src/node/cookie-source.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-cookie-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function write(path: string, text: string, mode = 0o400): Promise<string> {
  const file = join(folder, path)
  await rm(file, { force: true })
  await writeFile(file, text)
  await chmod(file, mode)
  return file
}

const sameCookie = (a: Cookie, b: string) => {
  expect(a.digest(1)).toEqual(new Cookie(b).digest(1))
}

describe('a cookie file', () => {
  test.each([
    ['SECRET', 'SECRET'],
    ['SECRET\r\n', 'SECRET'],
    ['SECRET\n \n', 'SECRET'],
    // OTP counts spaces as part of the cookie, up to the end of the line.
    [' SECRET WORD \n', ' SECRET WORD '],
  ])('that says %j holds %j, as OTP reads it', async (text, cookie) => {
    sameCookie(await readCookieFile(await write('a', text)), cookie)
  })

  test('is refused when it has a character that no cookie has', async () => {
    for (const text of ['SEC\tRET', 'SEC\nRET', 'S\u00c9CRET']) {
      await expect(readCookieFile(await write('a', text, 0o600))).rejects.toMatchObject({
        code: 'ERR_COOKIE_FILE',
        message: expect.stringContaining('no cookie has'),
      })
    }
  })

  test.each([0o400, 0o600, 0o700])('is taken with mode %o', async (mode) => {
    sameCookie(await readCookieFile(await write('a', 'SECRET', mode)), 'SECRET')
  })

  test.each([0o440, 0o404, 0o644, 0o420, 0o640, 0o604, 0o666, 0o410, 0o401, 0o602])(
    'is refused with mode %o',
    async (mode) => {
      const file = await write('a', 'SECRET', mode)
      await expect(readCookieFile(file)).rejects.toMatchObject({
        code: 'ERR_COOKIE_FILE',
        hint: `chmod 400 ${file}`,
      })
    },
  )

  test('is refused when it is empty, a folder, too large, or not there', async () => {
    for (const file of [
      await write('empty', '\n'),
      folder,
      await write('large', 'x'.repeat(5000)),
      join(folder, 'nowhere'),
    ]) {
      await expect(readCookieFile(file)).rejects.toMatchObject({ code: 'ERR_COOKIE_FILE', file })
    }
  })

  test.skipIf(process.platform === 'win32')(
    'is refused when it is a pipe or a device, and nobody waits for it',
    async () => {
      const pipe = join(folder, 'pipe')
      await promisify(execFile)('mkfifo', ['-m', '600', pipe])
      await symlink(pipe, join(folder, 'link'))
      for (const file of [pipe, join(folder, 'link'), '/dev/null', '/dev/zero']) {
        await expect(readCookieFile(file)).rejects.toMatchObject({
          code: 'ERR_COOKIE_FILE',
          message: `the cookie file ${file} is not a regular file`,
        })
      }
    },
  )

  test('may be a link to one', async () => {
    const file = await write('a', 'SECRET')
    await symlink(file, join(folder, 'link'))
    sameCookie(await readCookieFile(join(folder, 'link')), 'SECRET')
    await chmod(file, 0o440)
    await expect(readCookieFile(join(folder, 'link'))).rejects.toMatchObject({
      message: expect.stringContaining('can be read by others'),
    })
  })

  test('never shows in an error or an inspection', async () => {
    const file = await write('a', 'two\u0100words', 0o400)
    const error: unknown = await readCookieFile(file).catch((reason: unknown) => reason)
    expect(inspect(error)).not.toContain('words')
    expect(inspect(await readCookieFile(await write('b', 'SECRET')))).not.toContain('SECRET')
  })
})

describe('the default cookie', () => {
  test('is that of the home folder, before that of the configuration folder', async () => {
    const env = { HOME: folder }
    await mkdir(join(folder, '.config', 'erlang'), { recursive: true })
    await write('.config/erlang/.erlang.cookie', 'SECOND')
    sameCookie(await readDefaultCookie(env), 'SECOND')
    await write('.erlang.cookie', 'FIRST')
    sameCookie(await readDefaultCookie(env), 'FIRST')
  })

  test('is looked for under XDG_CONFIG_HOME', async () => {
    await mkdir(join(folder, 'xdg', 'erlang'), { recursive: true })
    await write('xdg/erlang/.erlang.cookie', 'XDG')
    const env = { HOME: join(folder, 'none'), XDG_CONFIG_HOME: join(folder, 'xdg') }
    sameCookie(await readDefaultCookie(env), 'XDG')
  })

  test('that is nowhere is said to be, with the places and what to do', async () => {
    await expect(readDefaultCookie({ HOME: folder })).rejects.toMatchObject({
      code: 'ERR_COOKIE_MISSING',
      searched: [
        join(folder, '.erlang.cookie'),
        join(folder, '.config', 'erlang', '.erlang.cookie'),
      ],
      hint: expect.stringContaining('--cookie-file'),
    })
  })
})
