/**
 * The timers that somebody sets, to see that none of them is left.
 */

/** Runs `action`; returns how many timers it has set and not cleared by then. */
export async function timersLeftBy(action: () => Promise<void>): Promise<number> {
  const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis
  const live = new Set<unknown>()
  const setting = {
    apply(set: typeof setTimeout | typeof setInterval, self: unknown, args: unknown[]): unknown {
      const timer: unknown = Reflect.apply(set, self, args)
      live.add(timer)
      return timer
    },
  }
  const clearing = {
    apply(clear: typeof clearTimeout, self: unknown, args: unknown[]): void {
      live.delete(args[0])
      Reflect.apply(clear, self, args)
    },
  }
  Object.assign(globalThis, {
    setTimeout: new Proxy(setTimeout, setting),
    setInterval: new Proxy(setInterval, setting),
    clearTimeout: new Proxy(clearTimeout, clearing),
    clearInterval: new Proxy(clearInterval, clearing),
  })
  try {
    await action()
  } finally {
    Object.assign(globalThis, { setTimeout, setInterval, clearTimeout, clearInterval })
  }
  return live.size
}
