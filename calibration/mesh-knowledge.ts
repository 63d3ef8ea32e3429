import type { LightBench } from '../core/light-bench.ts'
import type { CoreKnowledge, Tile } from '../core/optical-core.ts'
import type { MeshCalibration } from './calibration-record.ts'
import type { ChipModel } from './model/chip-model.ts'
import { codeForField, fieldAtCode } from './model/modulator-curve.ts'
import type { ProgrammedTile } from './model/programming.ts'
import { fieldPerWeight } from './model/starting-phases.ts'

/** A mesh core as it is calibrated now. */
export interface KnownMesh {
  readonly bench: Pick<LightBench, 'timing' | 'heaterSettleMs'>
  readonly model: ChipModel
  readonly parameters: Float64Array
  readonly calibration: MeshCalibration
  readonly tile: (tile: Tile) => ProgrammedTile
  /** Field of a modulator for an input of 1. */
  readonly fieldPerInput: (lane: number, port: number) => number
  /** Signal for an input of 1 and a field of 1 through the chip, mW. */
  readonly signalPerField: (lane: number, output: number) => number
  /** What measuring and correcting a tile takes at most. */
  readonly refineSeconds: number
}

/** What a calibrated mesh core knows of its own errors. */
export function meshKnowledge(mesh: KnownMesh): CoreKnowledge {
  const { bench, model, parameters, calibration } = mesh
  const { size, lanes, design } = model.layout
  return {
    weights: design.form === 'svd' ? 'any' : 'given',
    readsSilence: true,
    errors: calibration.verification.errors,
    played: (lane, inputs) =>
      inputs.map((input, i) => {
        const port = i % size
        const field = mesh.fieldPerInput(lane, port)
        const code = codeForField(calibration.modulators, lane, port, input * field)
        return fieldAtCode(calibration.modulators, lane, port, code) / field
      }),
    made: (tile) => mesh.tile(tile).detected,
    signalMw: (weights) => {
      const field = fieldPerWeight(model, parameters, weights)
      return Float64Array.from({ length: size }, (_, output) => {
        let sum = 0
        for (let lane = 0; lane < lanes; lane++) sum += mesh.signalPerField(lane, output)
        return (field[output]! * sum) / lanes
      })
    },
    // A silent symbol goes in front.
    frameSeconds: (symbols, isOtherTile) =>
      (isOtherTile ? bench.heaterSettleMs / 1e3 + mesh.refineSeconds : 0) + (symbols + 1) * bench.timing.symbolPeriodS,
  }
}
