import { expect, test } from 'vitest'
import { LeasedTransport } from '../../bench/leased-transport.ts'
import { TappedTransport } from '../../drivers/transports/tapped.ts'
import type { ByteTransport } from '../../core/transport.ts'
import { ManualTransport } from '../support/manual-transport.ts'

const { signal } = new AbortController()
const lease = { [Symbol.asyncDispose]: async () => undefined }
const wrappings: [string, (inner: ByteTransport) => ByteTransport][] = [
  ['a lease', (inner) => new LeasedTransport(inner, lease)],
  ['a tap', (inner) => new TappedTransport(inner, { cause: 0, record: () => undefined })],
]

test.each(wrappings)('under %s a wire can do all that it could, and nothing else', async (_, wrap) => {
  const calls: string[] = []
  const able = Object.assign(new ManualTransport(), {
    pull: () => void calls.push('pull'),
    inquire: async () => void calls.push('inquire'),
    controls: {
      readStatusByte: async () => 64,
      trigger: async () => void calls.push('trigger'),
      onServiceRequest: async () => undefined,
    },
  })
  const wrapped = wrap(able)
  wrapped.pull?.(1)
  await wrapped.inquire?.(new Uint8Array(1), 1, signal)
  await wrapped.controls?.trigger(signal)
  expect(await wrapped.controls?.readStatusByte(signal)).toBe(64)
  expect(calls).toEqual(['pull', 'inquire', 'trigger'])

  const plain = wrap(new ManualTransport())
  for (const ability of ['pull', 'inquire', 'controls'] as const) expect(Reflect.get(plain, ability)).toBeUndefined()
})
