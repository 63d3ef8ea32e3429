import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteQueue } from '../../drivers/transports/byte-queue.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

describe('Bytes that wait to become a message', () => {
  const piece = fc.uint8Array({ maxLength: 40 })
  const step = fc.oneof(
    fc.record({ push: piece }),
    fc.record({ drop: fc.nat(60) }),
    fc.constant({ keep: true as const }),
    fc.constant({ clear: true as const }),
  )

  test('are what was pushed and not yet dropped, though the memory they came in is used again', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new ByteQueue()
        const lent = new Uint8Array(40)
        let expected: number[] = []
        for (const next of steps) {
          if ('push' in next) {
            // Whoever lent bytes takes them back once they are kept.
            queue.keep()
            lent.fill(0xee)
            lent.set(next.push)
            queue.push(lent.subarray(0, next.push.length))
            expected.push(...next.push)
          } else if ('drop' in next) {
            const count = Math.min(next.drop, queue.length)
            queue.drop(count)
            expected.splice(0, count)
          } else if ('keep' in next) {
            queue.keep()
            lent.fill(0xdd)
          } else {
            expect([...queue.clear()]).toEqual(expected)
            expected = []
          }
          expect([...queue.peek()]).toEqual(expected)
          expect(queue.length).toBe(expected.length)
        }
      }),
    )
  })

  test('of a message that came whole are read where they lie', () => {
    const lent = Buffer.from('0123456789')
    const queue = new ByteQueue()
    queue.push(lent.subarray(0, 4))
    expect(queue.peek().buffer).toBe(lent.buffer)
  })

  test('never grow over memory that belongs to others', () => {
    const lent = Buffer.from('ab--')
    const queue = new ByteQueue()
    queue.push(lent.subarray(0, 2))
    queue.push(Buffer.from('cd'))
    expect(text(queue.peek())).toBe('abcd')
    expect(lent.toString()).toBe('ab--')
  })

  test('of one long message after the other lie in the same room', () => {
    const queue = new ByteQueue()
    const rooms = new Set<ArrayBufferLike>()
    for (let message = 0; message < 5; message++) {
      for (let part = 0; part < 4; part++) queue.push(new Uint8Array(1000))
      rooms.add(queue.peek().buffer)
      queue.drop(4000)
      queue.keep()
    }
    expect(rooms.size).toBe(1)
  })
})
