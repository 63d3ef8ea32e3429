import { describe, expect, test } from 'vitest'
import { Cleanup } from '../../core/cleanup.ts'

async function dispose(cleanup: Cleanup): Promise<unknown> {
  return cleanup[Symbol.asyncDispose]().then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('clean-up', () => {
  test('closes what was opened last first, one after the other', async () => {
    const order: string[] = []
    const cleanup = new Cleanup()
    const slowlyClosed = cleanup.use({
      name: 'laser',
      [Symbol.asyncDispose]: async () => {
        order.push('laser begins')
        await Promise.resolve()
        order.push('laser ends')
      },
    })
    cleanup.defer(() => void order.push('heaters'))
    cleanup.defer(async () => void order.push('journal'))
    await dispose(cleanup)
    expect(order).toEqual(['journal', 'heaters', 'laser begins', 'laser ends'])
    expect(slowlyClosed.name).toBe('laser')
  })

  test('one failing close hides no other: the rest still close, and it is thrown as it was', async () => {
    const order: string[] = []
    const failure = new Error('the laser does not answer')
    const cleanup = new Cleanup()
    cleanup.defer(() => void order.push('first opened'))
    cleanup.defer(() => Promise.reject(failure))
    cleanup.defer(() => void order.push('last opened'))
    expect(await dispose(cleanup)).toBe(failure)
    expect(order).toEqual(['last opened', 'first opened'])
  })

  test('several failures come together, in the order in which they happened', async () => {
    const cleanup = new Cleanup()
    cleanup.defer(() => {
      throw new Error('heaters')
    })
    cleanup.defer(() => Promise.reject(new Error('laser')))
    const error = await dispose(cleanup)
    expect(error).toBeInstanceOf(AggregateError)
    expect((error as AggregateError).errors.map(String)).toEqual(['Error: laser', 'Error: heaters'])
    expect((error as AggregateError).message).toBe('2 resources failed to close')
  })

  test('closing twice closes once', async () => {
    let closed = 0
    const cleanup = new Cleanup()
    cleanup.defer(() => {
      closed++
    })
    await dispose(cleanup)
    await dispose(cleanup)
    expect(closed).toBe(1)
  })

  test('what was handed to an heir is closed by the heir alone, in the same order', async () => {
    const order: string[] = []
    const cleanup = new Cleanup()
    cleanup.defer(() => void order.push('first'))
    cleanup.defer(() => void order.push('second'))
    const heir = cleanup.move()
    await dispose(cleanup)
    expect(order).toEqual([])
    await dispose(heir)
    expect(order).toEqual(['second', 'first'])
  })
})
