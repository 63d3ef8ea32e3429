import { describe, expect, test } from 'vitest'
import { shares } from '../../../calibration/intensity/fit-chip.ts'
import { invisibleHeaters, programUnitary } from '../../../calibration/intensity/intensity-programming.ts'
import { RandomStream } from '../../../core/random.ts'
import { randomUnitary } from '../../../calibration/intensity/random-unitary.ts'
import { hiddenMesh } from '../../support/hidden-mesh.ts'

/** Mean over inputs of Σ √(p·p0), p the shares of each input's light at the outputs in the gains of the chip's own ports. */
function amplitudeFidelity(size: number, splitterMean: number, neighbourKnown: number): number {
  const mesh = hiddenMesh({ size, noise: 0, stray: 0, splitterMean })
  const { blocks } = mesh.model
  const believed = mesh.parameters.slice()
  believed[blocks.logNeighbour] = Math.log(neighbourKnown)
  const random = new RandomStream(4, 'targets')
  let sum = 0
  const targets = 5
  for (let target = 0; target < targets; target++) {
    const unitary = randomUnitary(size, random)
    const { voltagesV } = programUnitary(mesh.model, mesh.model.made(believed), unitary, 10)
    for (const heater of invisibleHeaters(mesh.layout)) expect(voltagesV[heater]).toBe(0)
    const lit = Array.from({ length: size }, (_, port) => port)
    const { powers } = mesh.read(voltagesV, lit)
    for (const input of lit) {
      const seen = shares(
        powers
          .slice(input * size, (input + 1) * size)
          .map((power, output) => power / Math.exp(2 * mesh.parameters[blocks.logOut + output]!)),
      )
      for (let i = 0; i < size; i++) {
        sum += Math.sqrt(seen[i]!) * Math.hypot(unitary.re[i * size + input]!, unitary.im[i * size + input]!)
      }
    }
  }
  return sum / targets / size
}

describe('a unitary on a chip read by intensities', () => {
  test('is programmed through splitters, losses and crosstalk to 99.95 % of its amplitudes', () => {
    expect(amplitudeFidelity(6, 0.06, 0.015)).toBeGreaterThan(0.9995)
  })

  test('suffers where crosstalk is not what the model takes it for', () => {
    expect(amplitudeFidelity(6, 0.06, 0.005)).toBeLessThan(0.999)
  })

  test('comes out on a mesh of two ports', () => {
    expect(amplitudeFidelity(2, 0, 0.015)).toBeGreaterThan(0.999)
  })
})
