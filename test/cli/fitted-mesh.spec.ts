import { expect, test } from 'vitest'
import type { MeshCalibration } from '../../calibration/calibration-record.ts'
import { ChipModel } from '../../calibration/model/chip-model.ts'
import { fittedMesh } from '../../cli/fitted-mesh.ts'
import { svdCoreLayout } from '../../core/mesh-layout.ts'
import { RandomStream } from '../../core/random.ts'

const SIZE = 5
const layout = svdCoreLayout(SIZE, 1)
const model = new ChipModel(layout)

function calibration(fieldRatio: number): MeshCalibration {
  const random = new RandomStream(4, 'fitted chip')
  const chip = Array.from({ length: model.blocks.count }, () => random.normal(0, 0.02))
  for (let heater = 0; heater < layout.heaters.length; heater++) {
    chip[model.blocks.offset + heater] = random.uniform(0, 2 * Math.PI)
    chip[model.blocks.radPerV2 + heater] = 0.1
  }
  chip[model.blocks.logNeighbour] = Math.log(0.01)
  chip[model.blocks.logMziField] = Math.log(fieldRatio)
  if (fieldRatio === 1) chip.fill(0, model.blocks.logOwnField)
  // Only what the picture needs of a record.
  return { schema: 'fringe-mesh-calibration-1', size: SIZE, lanes: 1, chip } as unknown as MeshCalibration
}

const sum = (powers: ArrayLike<number>): number => Array.from(powers).reduce((total, power) => total + power, 0)

test('Without loss every column of a mesh carries all the light that entered it', () => {
  const [first, sigma, second] = fittedMesh(calibration(1), 'cold')
  for (const powers of first!.powers!) expect(sum(powers)).toBeCloseTo(1, 12)
  const passed = sum(sigma!.powers!.at(-1)!)
  expect(passed).toBeLessThan(1)
  for (const powers of second!.powers!) expect(sum(powers)).toBeCloseTo(passed, 12)
})

test('The light behind the last column is what the transfer matrix of the fitted chip makes of equal inputs', () => {
  const record = calibration(0.98)
  const parameters = Float64Array.from(record.chip)
  const phases = model.phases(parameters, model.crosstalk(parameters), new Float64Array(layout.heaters.length))
  const { re, im } = model.transfer(parameters, phases)
  const expected = Array.from({ length: SIZE }, (_, row) => {
    const ofRow = (part: ArrayLike<number>): number => sum(Array.from(part).slice(row * SIZE, (row + 1) * SIZE))
    return (ofRow(re) ** 2 + ofRow(im) ** 2) / SIZE
  })
  const shown = fittedMesh(record, 'cold').at(-1)!.powers!.at(-1)!
  for (const [row, power] of expected.entries()) expect(shown[row]).toBeCloseTo(power, 12)
})

test('Heaters programmed for the identity send each input to its own output, so that equal inputs leave equal', () => {
  const weights = Float64Array.from({ length: SIZE ** 2 }, (_, i) => (i % (SIZE + 1) === 0 ? 1 : 0))
  const shown = fittedMesh(calibration(1), { weights, maxVoltageV: 12 }).at(-1)!.powers!.at(-1)!
  // 0.9² of the light is what programming leaves as room for the correction; a little more leaves in the quadrature that
  // no detector sees.
  for (const power of Array.from(shown)) expect(Math.abs(power / (0.81 / SIZE) - 1)).toBeLessThan(0.1)
})

test('Phases and splitters are those of the record', () => {
  const record = calibration(1)
  const [first] = fittedMesh(record, 'cold')
  expect(first!.devices).toHaveLength((SIZE * (SIZE - 1)) / 2)
  expect(first!.devices[3]).toMatchObject({
    ...layout.mzis[3],
    thetaRad: record.chip[model.blocks.offset + layout.first.theta[3]!],
    alphaRad: record.chip[model.blocks.alpha + 3],
    betaRad: record.chip[model.blocks.beta + 3],
  })
})
