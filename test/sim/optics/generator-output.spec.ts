import { describe, expect, test } from 'vitest'
import { GeneratorOutput } from '../../../sim/optics/generator-output.ts'

const frame = [Float64Array.of(0.1, 0.2, 0.3), Float64Array.of(-0.1, -0.2, -0.3)]

function playing(): GeneratorOutput {
  const output = new GeneratorOutput()
  output.rest([0.5, 0.6])
  output.load(frame, 10e-6)
  output.playing = true
  return output
}

describe('the outputs of a symbol generator', () => {
  test('rest at their levels until the frame plays; channels never set rest at 0 V', () => {
    const output = new GeneratorOutput()
    output.rest([0.5])
    output.load(frame, 10e-6)
    expect([output.symbolAt(0), output.levelV(0, 0), output.levelV(1, 0)]).toEqual([-1, 0.5, 0])
  })

  test('play one symbol a period on all channels together, then rest again', () => {
    const output = playing()
    const at = (us: number): [number, number, number] => {
      const timeS = us * 1e-6
      return [output.symbolAt(timeS), output.levelV(0, timeS), output.levelV(1, timeS)]
    }
    expect(at(1)).toEqual([0, 0.1, -0.1])
    expect(at(9)).toEqual([0, 0.1, -0.1])
    expect(at(11)).toEqual([1, 0.2, -0.2])
    expect(at(29)).toEqual([2, 0.3, -0.3])
    expect(at(31)).toEqual([-1, 0.5, 0.6])
  })

  test('behind a low-pass remember the symbols before: the textbook’s convolution with e^(−t/τ)/τ', () => {
    const output = playing()
    const levels = (timeS: number): number =>
      timeS < 0 || timeS >= 30e-6 ? 0.5 : frame[0]![Math.floor(timeS / 10e-6)]!
    const timeConstantS = 7e-6
    // Midpoint rule, exact to (step/τ)²/24 for a smooth kernel on flat levels.
    const convolved = (timeS: number): number => {
      const stepS = 1e-8
      let [sum, weight] = [0, 0]
      for (let back = stepS / 2; back < 40 * timeConstantS; back += stepS) {
        const w = Math.exp(-back / timeConstantS)
        sum += w * levels(timeS - back)
        weight += w
      }
      return sum / weight
    }
    for (const us of [0.5, 4.5, 12.5, 25, 29.5, 31.5, 60]) {
      expect(output.lowPassV(0, us * 1e-6, timeConstantS)).toBeCloseTo(convolved(us * 1e-6), 5)
    }
  })

  test('behind a fast low-pass are the symbols themselves, and so they are at rest', () => {
    const output = playing()
    expect(output.lowPassV(0, 11e-6, 1e-11)).toBe(0.2)
    expect(output.lowPassV(0, 11e-6, 0)).toBe(0.2)
    output.rest([0.3])
    expect(output.lowPassV(0, 11e-6, 7e-6)).toBe(0.3)
  })

  test('behind a low-pass move while the change is young, and stand still after 40 time constants', () => {
    const output = playing()
    expect(output.lowPassState(10.1e-6, 1e-8)).not.toBe(output.lowPassState(10.2e-6, 1e-8))
    expect(output.lowPassState(11e-6, 1e-8)).toBe(output.lowPassState(12e-6, 1e-8))
    expect(output.lowPassState(12e-6, 1e-8)).not.toBe(output.lowPassState(21e-6, 1e-8))
  })

  test.each([
    ['a new level to rest at', (output: GeneratorOutput) => output.rest([0, 0])],
    ['a new frame', (output: GeneratorOutput) => output.load(frame, 10e-6)],
  ])('%s ends the frame that plays', (_, change) => {
    const output = playing()
    change(output)
    expect(output.symbolAt(1e-6)).toBe(-1)
  })
})
