/**
 * A name that stays registered in EPMD, also when that is restarted.
 */
import { type EpmdOptions, type Registrant, type Registration, register } from '../epmd/client.ts'
import { formatEndpoint } from '../net/tcp.ts'
import { retry } from './back-off.ts'
import { publish } from './diagnostics.ts'

/**
 * Registers, and does so again whenever the registration is lost, until it is closed; then the name is
 * free. The creation that EPMD proposes is not taken: a node keeps its own as long as it lives.
 *
 * @throws as `register`, when the first attempt fails
 */
export async function keepRegistered(
  registrant: Registrant,
  options: EpmdOptions,
): Promise<AsyncDisposable> {
  const attempt = async (how: EpmdOptions): Promise<Registration> => {
    const tell = (error: unknown): void =>
      publish('beamscope:register', () => ({
        name: registrant.name,
        address: formatEndpoint(options),
        error,
      }))
    try {
      const registration = await register(registrant, how)
      tell(undefined)
      return registration
    } catch (error) {
      if (how.signal?.aborted !== true) tell(error)
      throw error
    }
  }
  const { host, port } = options
  const stop = new AbortController()
  const { signal } = stop
  let current = await attempt(options)
  const keep = async (): Promise<void> => {
    while (!signal.aborted) {
      await current.ended
      await retry(async () => {
        current = await attempt({ host, port, signal })
      }, signal)
    }
  }
  const kept = keep()
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await current.close()
      await kept
      // It may have been lost and found again in between.
      await current.close()
    },
  }
}
