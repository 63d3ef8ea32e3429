import type { MeshCalibration } from '../calibration/calibration-record.ts'
import type { FringeChannel } from '../calibration/fit/fringe.ts'
import { predictReading } from '../calibration/model/chip-fit.ts'
import { ChipModel } from '../calibration/model/chip-model.ts'
import type { ChipReading } from '../calibration/steps/chip-readings.ts'
import type { ChipSettings } from '../calibration/steps/chip.ts'
import type { LocalOscillators } from '../calibration/steps/local-oscillators.ts'
import { meshCoreLayout } from '../core/mesh-layout.ts'
import { crosstalkMap } from '../pictures/crosstalk-map.ts'
import { fringesPicture } from '../pictures/fringes.ts'
import { residualHistogram } from '../pictures/residual-histogram.ts'
import { measured } from './numbers.ts'
import type { RunPicture } from './run-picture.ts'
import type { StepFindings } from './step-findings.ts'

/** Steps whose findings are drawn. */
export const MESH_DRAWN_STEPS = ['local oscillators', 'settings'] as const

const CURVE_POINTS = 60
/** How far around a heater its heat is drawn, in pitches. */
const MAP_REACH = 4

/** Fringes of all local oscillators; nothing where the run has not come so far. */
export function localOscillatorPictures(findings: StepFindings, subject: string): readonly RunPicture[] {
  const lo = findings.of('local oscillators') as Partial<LocalOscillators> | undefined
  if (lo?.seen === undefined || lo.radPerV2 === undefined) return []
  const { voltagesV2, fringes } = lo.seen
  const last = voltagesV2.at(-1)!
  const ports = fringes.reduce((sum, lane) => sum + lane.length, 0)
  const says = `Fringes of all ${ports} local oscillators, turned together, with their fits: both detectors of each pair in the symbol whose light moves most.`
  const svg = fringesPicture({
    caption: { heading: 'Fringes of the local oscillators', lines: [subject, says] },
    xName: 'squared heater voltage, V²',
    yName: 'light above dark, mW',
    x: voltagesV2,
    groups: fringes.map((ports, lane) => ({
      name: `lane ${lane}`,
      panels: ports.map(({ radPerV2, plusMw, minusMw, plusFit, minusFit }, port) => {
        const taken = lo.radPerV2![lane]![port]!
        const said = taken === radPerV2 ? '' : 'not its own, '
        return {
          title: `output ${port}: ${said}${taken.toPrecision(4)} rad/V²`,
          fringes: [
            { name: 'plus detector', values: plusMw, curve: curveOf(plusFit, radPerV2, last) },
            { name: 'minus detector', values: minusMw, curve: curveOf(minusFit, radPerV2, last) },
          ],
        }
      }),
    })),
  })
  return [{ kind: 'fringes', says, svg }]
}

function curveOf({ mean, cos, sin }: FringeChannel, radPerV2: number, lastV2: number): number[] {
  return Array.from({ length: CURVE_POINTS + 1 }, (_, i) => {
    const phaseRad = (radPerV2 * lastV2 * i) / CURVE_POINTS
    return mean + cos * Math.cos(phaseRad) + sin * Math.sin(phaseRad)
  })
}

/** The law by which heaters warm each other, as fitted. */
export function crosstalkPicture(
  {
    crosstalkNeighbour,
    crosstalkDecayPitch,
  }: Pick<MeshCalibration['fit'], 'crosstalkNeighbour' | 'crosstalkDecayPitch'>,
  { subject, rows, of }: { readonly subject: string; readonly rows: number; readonly of: 'phase' | 'shift' },
): RunPicture {
  const says = `Fitted law of heat: ${(100 * crosstalkNeighbour).toPrecision(3)} % of the heater’s own ${of} one pitch away, a factor of e less every ${crosstalkDecayPitch.toPrecision(3)} pitches.`
  const svg = crosstalkMap({
    caption: { heading: 'Thermal crosstalk around one heater', lines: [subject, says] },
    of,
    reachX: MAP_REACH,
    reachY: Math.min(MAP_REACH, rows - 1),
    share: (dx, dy) => crosstalkNeighbour * Math.exp(-(Math.hypot(dx, dy) - 1) / crosstalkDecayPitch),
  })
  return { kind: 'crosstalk', says, svg }
}

/** What the fitted chip leaves of the random settings, all lanes together, each in units of its own readings. */
export function chipResidualPictures(
  calibration: MeshCalibration,
  findings: StepFindings,
  subject: string,
): readonly RunPicture[] {
  const readings = (findings.of('settings') as ChipSettings | undefined)?.readings
  const { settings, relativeResidual, heldOutResidual } = calibration.fit
  if (readings === undefined || readings.length <= settings) return []
  const [seen, unseen] = [readings.slice(0, settings), readings.slice(settings)]
  const says = `What the fitted chip leaves of its readings: RMS ${measured(100 * relativeResidual, 3)} % on the ${seen.length} settings that it was fitted to, ${measured(100 * heldOutResidual, 3)} % on ${unseen.length} kept out, in the worst lane.`
  const svg = residualHistogram({
    caption: { heading: 'Residuals of the whole-chip fit', lines: [subject, says] },
    xName: 'fitted less measured matrix element, % of the RMS reading of its lane',
    fitted: residualsPercent(calibration, seen),
    heldOut: residualsPercent(calibration, unseen),
  })
  return [{ kind: 'residuals', says, svg }]
}

/** Of every matrix element of every lane, relative to the RMS of that lane's readings. */
export function residualsPercent(
  { size, lanes, design, chip }: MeshCalibration,
  readings: readonly ChipReading[],
): Float64Array {
  const model = new ChipModel(meshCoreLayout(size, lanes, design))
  const parameters = Float64Array.from(chip)
  const crosstalk = model.crosstalk(parameters)
  const out = new Float64Array(lanes * readings.length * size * size)
  let at = 0
  for (let lane = 0; lane < lanes; lane++) {
    const from = at
    let squares = 0
    for (const { voltagesV, lanes: measured } of readings) {
      const predicted = predictReading(model, parameters, crosstalk, voltagesV, lane)
      for (const [element, y] of measured[lane]!.entries()) {
        out[at++] = predicted[element]! - y
        squares += y * y
      }
    }
    const rms = Math.sqrt(squares / (at - from))
    for (let i = from; i < at; i++) out[i]! *= 100 / rms
  }
  return out
}
