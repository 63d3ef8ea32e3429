import { describe, expect, test } from 'vitest'
import { currentStep, withStep } from '../../core/step-context.ts'

describe('the step that code belongs to', () => {
  test('is 0 outside any step', () => {
    expect(currentStep()).toBe(0)
  })

  test('follows work through its waits, and work side by side keeps apart', async () => {
    const seen: number[] = []
    const work = async (): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(currentStep())
    }
    await Promise.all([withStep(3, work), withStep(4, work), work()])
    expect(seen).toEqual([3, 4, 0])
  })

  test('nests: the inner step ends where its work ends', async () => {
    await withStep(1, async () => {
      expect(withStep(2, currentStep)).toBe(2)
      expect(currentStep()).toBe(1)
    })
  })
})
