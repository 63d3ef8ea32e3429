import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../core/clock.ts'
import { Oven } from '../../../sim/optics/oven.ts'

const { signal } = new AbortController()

function cold(): { oven: Oven; waitS: (s: number) => Promise<void> } {
  const clock = new VirtualClock()
  return { oven: new Oven(clock, () => 23), waitS: (s) => clock.sleep(1e3 * s, signal) }
}

describe('an oven of the twin', () => {
  test('is at room temperature and draws nothing until it is switched on', async () => {
    const { oven, waitS } = cold()
    await waitS(100)
    expect([oven.temperatureC(), oven.powerW()]).toEqual([23, 0])
    oven.setSetPointC(40, false)
    await waitS(100)
    expect([oven.temperatureC(), oven.powerW()]).toEqual([23, 0])
  })

  test('goes to its set point by a first-order lag of 8 s, and stays there', async () => {
    const { oven, waitS } = cold()
    oven.setSetPointC(33, true)
    expect(oven.temperatureC()).toBe(23)
    await waitS(8)
    expect(oven.temperatureC()).toBeCloseTo(33 - 10 * Math.exp(-1), 9)
    await waitS(200)
    expect(oven.temperatureC()).toBeCloseTo(33, 9)
  })

  test('cools back to the room when it is stopped', async () => {
    const { oven, waitS } = cold()
    oven.setSetPointC(33, true)
    await waitS(300)
    oven.setSetPointC(33, false)
    await waitS(8)
    expect(oven.temperatureC()).toBeCloseTo(23 + 10 * Math.exp(-1), 9)
    expect(oven.powerW()).toBe(0)
  })

  test('draws 0.3 W a kelvin away from the room, warm or cold', () => {
    const { oven } = cold()
    oven.setSetPointC(33, true)
    expect(oven.powerW()).toBeCloseTo(3, 12)
    oven.setSetPointC(13, true)
    expect(oven.powerW()).toBeCloseTo(3, 12)
  })
})
