import { describe, expect, test } from 'vitest'
import { relativeResidual } from '../../../calibration/model/chip-fit.ts'
import { alignLanePhases } from '../../../calibration/model/lane-phases.ts'
import { angleBetween } from '../../support/complex.ts'
import { hiddenChip } from '../../support/hidden-chip.ts'

describe('the port phases of a further lane', () => {
  test.each([2, 4, 5])(
    'are found from readings of a known chip, %i ports, up to a phase common to inputs and local oscillators',
    (size) => {
      for (const seed of [1, 2, 3]) {
        const { layout, model, parameters, readAnywhere } = hiddenChip({ size, lanes: 2, seed })
        const { offset } = model.blocks
        const found = parameters.slice()
        const ports = [...layout.input[1]!, ...layout.lo[1]!]
        for (const heater of ports) found[offset + heater] = 0
        const readings = readAnywhere(30, 1)
        alignLanePhases(layout, found, readings, 1)
        expect(relativeResidual(layout, found, readings, 1)).toBeLessThan(1e-3)
        const common = found[offset + ports[0]!]! - parameters[offset + ports[0]!]!
        for (const heater of ports) {
          expect(Math.abs(angleBetween(found[offset + heater]! - common, parameters[offset + heater]!))).toBeLessThan(
            1e-3,
          )
        }
      }
    },
  )

  test('leave the other lane and the chip as they were', () => {
    const { layout, model, parameters, readAnywhere } = hiddenChip({ lanes: 2 })
    const found = parameters.slice()
    alignLanePhases(layout, found, readAnywhere(10, 1), 1)
    const moved = new Set([...layout.input[1]!, ...layout.lo[1]!].map((heater) => model.blocks.offset + heater))
    for (const [index, value] of found.entries()) if (!moved.has(index)) expect(value).toBe(parameters[index])
  })
})
