/**
 * Whether a terminal takes more than ASCII.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html section 8.2, which variable counts
 */

export function takesUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  // The consoles of Windows have no such variable, and take it.
  if (process.platform === 'win32') return true
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((it) => it !== undefined && it !== '')
  return /utf-?8/i.test(locale ?? '')
}
