/**
 * A name that stays registered in EPMD, also when that is restarted.
 */
import { type EpmdOptions, type Registrant, type Registration, register } from '../epmd/client.ts'
import { formatEndpoint } from '../net/tcp.ts'
import { retry } from './back-off.ts'
import { publish } from './diagnostics.ts'

/**
 * Registers, and does so again whenever the registration is lost, until it is closed. The creation that
 * EPMD proposes is not taken: a node keeps its own as long as it lives.
 *
 * @throws as `register`, when the first attempt fails
 */
export async function keepRegistered(
  registrant: Registrant,
  options: EpmdOptions,
): Promise<AsyncDisposable> {
  const stop = new AbortController()
  let current: Registration | undefined
  const attempt = async (how: EpmdOptions): Promise<void> => {
    const tell = (error: unknown): void =>
      publish('beamscope:register', () => ({
        name: registrant.name,
        address: formatEndpoint(options),
        error,
      }))
    try {
      current = await register(registrant, how)
      tell(undefined)
    } catch (error) {
      tell(error)
      throw error
    }
    if (stop.signal.aborted) await current.close()
    else void current.ended.then(again)
  }
  const { host, port } = options
  const again = (): Promise<void> => retry(() => attempt({ host, port }), stop.signal)
  await attempt(options)
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await current?.close()
    },
  }
}
