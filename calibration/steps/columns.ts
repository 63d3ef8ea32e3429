import { BenchError } from '../../core/errors.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import type { Progress } from '../../orchestrator/plans/plan.ts'
import type { ChipLook, PeelingFailure } from '../model/chip-peeling.ts'
import { parameterBlocks } from '../model/chip-parameters.ts'
import { peelChip } from '../model/chip-peeling.ts'
import { peelingSettings } from '../model/peeling-settings.ts'
import { peelingStages } from '../model/peeling-stages.ts'
import { settingsOf } from '../plan-step.ts'
import type { OpenAttenuators } from './attenuators.ts'
import type { CalibrationContext } from './calibration-context.ts'
import type { ChipProbe } from './chip-readings.ts'
import { deadHeater, heaterText } from './sweep-fringe.ts'

/** A live heater turns its own light by far more than this; its neighbours' warmth is a tenth of a radian at most. */
const MIN_TURN = 0.3

/**
 * A first guess of the whole chip: both heaters of every interferometer of one column after the other, all at once.
 *
 * Shapes: the result is as in `parameterBlocks`.
 * Throws: CALIBRATION_FAILED naming a heater that turns nothing or backwards, the waveguide whose attenuator stays shut, or the
 * column where the guess went astray; when the light of some inputs reaches no output.
 * Leaves: heaters at the last setting.
 */
export async function measureColumns(
  context: CalibrationContext,
  probe: ChipProbe,
  open: OpenAttenuators,
  portRadPerV2: Float64Array,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<Float64Array> {
  const { bench } = context
  const { layout, heaterLimitsV } = bench
  const look = async (voltagesV: Float64Array): Promise<ChipLook> => {
    const [first, turned] = await probe.readQuadratures(voltagesV, signal)
    return { voltagesV, matrix: { size: layout.size, re: first.lanes[0]!, im: turned.lanes[0]! } }
  }
  const base = await look(open.baseV)
  const nominalRadPerV2 = probe.nominalRadPerV2
  const stages = peelingStages(layout)
  const random = settingsOf('columns')
  const looks: ChipLook[][] = []
  for (const [done, stage] of stages.entries()) {
    const settings = peelingSettings(stage, open.baseV, nominalRadPerV2, heaterLimitsV.max, random)
    const seen: ChipLook[] = []
    for (const voltages of settings) seen.push(await look(voltages))
    looks.push(seen)
    onProgress(done + 1, stages.length)
  }
  const attenuatorRad = open.offsetRad.map(
    (offset, waveguide) => offset + open.radPerV2[waveguide]! * open.openV[waveguide]! ** 2,
  )
  const peeled = peelChip(layout, { base, stages: looks, nominalRadPerV2, radPerV2: portRadPerV2, attenuatorRad })
  if (peeled.outcome !== 'peeled') throw peelingError(bench, peeled)
  for (const { theta, phi } of stages.flatMap(({ blocks }) => blocks)) {
    for (const heater of [theta, phi]) {
      if (peeled.turned[heater]! < MIN_TURN) throw deadHeater(context, heater, { turned: peeled.turned[heater]! })
    }
  }
  const { radPerV2 } = parameterBlocks(layout)
  const backwards = [...layout.heaters.keys()].findIndex((heater) => !(peeled.parameters[radPerV2 + heater]! > 0))
  if (backwards >= 0) {
    const why = `the light turns backwards under ${heaterText(bench, backwards)}; check its wire and those of its neighbours`
    throw new BenchError('CALIBRATION_FAILED', why, { context: { heater: backwards } })
  }
  return peeled.parameters
}

function peelingError({ layout }: MeshBench, failure: PeelingFailure): BenchError {
  switch (failure.outcome) {
    case 'dark':
      return new BenchError(
        'CALIBRATION_FAILED',
        'some light reaches no output; check the fibres of inputs and outputs',
      )
    case 'shut': {
      const { waveguide, level } = failure
      const passes = `${(100 * level).toFixed(1)} % of the usual field`
      const why = `the attenuator of waveguide ${waveguide} passes ${passes} where it should be open; check both of its heaters`
      // Where θ is seen to move and φ moves nothing, θ seems to stand half a turn off.
      return new BenchError('CALIBRATION_FAILED', why, {
        context: { heater: layout.sigma.phi[waveguide]!, waveguide, level },
      })
    }
    case 'astray': {
      const { kind, mesh, column } = failure.stage
      const where = kind === 'attenuators' ? 'the attenuators' : `column ${column} of the ${mesh} mesh`
      const why = `the first guess of the chip went astray at ${where}: crosstalk is too strong for so many columns, or heaters do not stand where they are drawn`
      return new BenchError('CALIBRATION_FAILED', why, { context: { mesh, column } })
    }
  }
}
