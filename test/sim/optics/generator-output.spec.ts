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

  test.each([
    ['a new level to rest at', (output: GeneratorOutput) => output.rest([0, 0])],
    ['a new frame', (output: GeneratorOutput) => output.load(frame, 10e-6)],
  ])('%s ends the frame that plays', (_, change) => {
    const output = playing()
    change(output)
    expect(output.symbolAt(1e-6)).toBe(-1)
  })
})
