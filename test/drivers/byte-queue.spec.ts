import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteQueue } from '../../drivers/transports/byte-queue.ts'
import { ReceiveWindows } from '../../drivers/transports/receive-windows.ts'

/** Puts bytes where a socket would, and returns what it would hand over. */
function receive(windows: ReceiveWindows, window: Buffer, bytes: Uint8Array): { piece: Buffer; next: Buffer } {
  window.set(bytes)
  return { piece: window.subarray(0, bytes.length), next: windows.advance(bytes.length) }
}

describe('Bytes that wait to become a message', () => {
  const piece = fc.uint8Array({ maxLength: 40 })
  const step = fc.oneof(
    fc.record({ push: piece, sameSlab: fc.boolean() }),
    fc.record({ drop: fc.nat(60) }),
    fc.constant({ clear: true as const }),
  )

  test('are what was pushed and not yet dropped, however they came and wherever they lay', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new ByteQueue()
        const slab = Buffer.alloc(4000)
        let [used, expected] = [0, [] as number[]]
        for (const next of steps) {
          if ('push' in next) {
            slab.set(next.push, used)
            queue.push(next.sameSlab ? slab.subarray(used, used + next.push.length) : Uint8Array.from(next.push))
            used += next.push.length
            expected.push(...next.push)
          } else if ('drop' in next) {
            const count = Math.min(next.drop, queue.length)
            queue.drop(count)
            expected.splice(0, count)
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

  test('stay where they are while they follow each other in memory', () => {
    const slab = Buffer.from('0123456789')
    const queue = new ByteQueue()
    queue.push(slab.subarray(0, 4))
    queue.push(slab.subarray(4, 9))
    expect(queue.peek().buffer).toBe(slab.buffer)
    expect(Buffer.from(queue.peek()).toString()).toBe('012345678')
  })

  test('never grow over memory that belongs to others', () => {
    const lent = Buffer.from('ab--')
    const queue = new ByteQueue()
    queue.push(lent.subarray(0, 2))
    queue.push(Buffer.from('cd'))
    expect(Buffer.from(queue.peek()).toString()).toBe('abcd')
    expect(lent.toString()).toBe('ab--')
  })
})

describe('Windows for what a socket receives', () => {
  test('never offer memory in which received bytes lie', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60_000 }), { maxLength: 60 }), (counts) => {
        const windows = new ReceiveWindows()
        let window = windows.window
        const kept: { piece: Buffer; value: number }[] = []
        for (const [index, wanted] of counts.entries()) {
          const bytes = new Uint8Array(Math.min(wanted, window.length)).fill(index)
          const received = receive(windows, window, bytes)
          kept.push({ piece: received.piece, value: index })
          window = received.next
        }
        for (const { piece, value } of kept) expect(piece.every((byte) => byte === value)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  test('give a stream of large reads room in which 1 MiB lies in one piece', () => {
    const windows = new ReceiveWindows()
    let window = windows.window
    const buffers = new Set<ArrayBufferLike>()
    const chunk = new Uint8Array(64 * 1024)
    while (!buffers.has(window.buffer) || buffers.size < 2) {
      buffers.add(window.buffer)
      window = receive(windows, window, chunk).next
    }
    expect(window.length).toBeGreaterThan(2 ** 20)
  })
})
