import { describe, expect, it } from 'vitest'
import { defaultEpmdPort } from '../../src/epmd/default-port.ts'
import { InvalidEpmdPortError } from '../../src/epmd/errors.ts'

describe('defaultEpmdPort', () => {
  it('is the one registered for EPMD', () => {
    expect(defaultEpmdPort({})).toBe(4369)
    expect(defaultEpmdPort({ ERL_EPMD_PORT: '' })).toBe(4369)
  })

  it('is that of the environment', () => {
    expect(defaultEpmdPort({ ERL_EPMD_PORT: '14369' })).toBe(14369)
    expect(defaultEpmdPort({ ERL_EPMD_PORT: '65535' })).toBe(65535)
  })

  it.each(['0', '65536', '-1', '4369x', ' 4369', '1e3', '99999999'])('rejects %j', (value) => {
    expect(() => defaultEpmdPort({ ERL_EPMD_PORT: value })).toThrow(InvalidEpmdPortError)
  })
})
