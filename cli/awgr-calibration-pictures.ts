import type { AwgrCalibration } from '../calibration/awgr/awgr-record.ts'
import { pathLights } from '../calibration/awgr/fit-rings.ts'
import type { RingScene } from '../calibration/awgr/fit-rings.ts'
import { withoutLeaks } from '../calibration/awgr/leaks.ts'
import type { OutputReading, RingReading } from '../calibration/awgr/steps/ring-probe.ts'
import { ThermalMap } from '../calibration/awgr/thermal.ts'
import { awgrLayout } from '../core/awgr-layout.ts'
import { fringesPicture } from '../pictures/fringes.ts'
import { residualHistogram } from '../pictures/residual-histogram.ts'
import { measured } from './numbers.ts'
import type { RunPicture } from './run-picture.ts'
import type { StepFindings } from './step-findings.ts'

const WEIGHT_ROUNDS = ['weights, round 1', 'weights, round 2'] as const

/** Steps whose findings are drawn. */
export const AWGR_DRAWN_STEPS = ['rings', ...WEIGHT_ROUNDS] as const

const CURVE_POINTS = 120

/** Ring curves of input port 0 with their fits, and what the fit of all rings leaves. */
export function ringPictures(
  calibration: AwgrCalibration,
  lasersThz: readonly number[],
  findings: StepFindings,
  subject: string,
): readonly RunPicture[] {
  const sweep = findings.of('rings') as readonly OutputReading[] | undefined
  if (sweep === undefined) return []
  const scene = sceneOf(calibration, lasersThz)
  const rounds = WEIGHT_ROUNDS.map((name) => findings.of(name) as readonly OutputReading[] | undefined)
  return [
    ...curvePictures(calibration, scene, sweep, subject),
    ...(rounds.includes(undefined)
      ? []
      : residualPictures(calibration, scene, sweep, rounds as (readonly OutputReading[])[], subject)),
  ]
}

export function sceneOf({ size, form }: AwgrCalibration, lasersThz: readonly number[]): RingScene {
  const layout = awgrLayout(size, form)
  const frequenciesGhz = Float64Array.from(lasersThz, (thz) => (thz - lasersThz[0]!) * 1e3)
  return { layout, frequenciesGhz, map: new ThermalMap(layout) }
}

/** Where all rings are heated alike. */
function curvePictures(
  calibration: AwgrCalibration,
  scene: RingScene,
  sweep: readonly OutputReading[],
  subject: string,
): readonly RunPicture[] {
  const alike = sweep.filter(({ squaredV }) => squaredV.every((v2) => v2 === squaredV[0]))
  const x = alike.map(({ squaredV }) => squaredV[0]!)
  const last = x.at(-1)
  if (last === undefined) return []
  const readings = withoutLeaks(alike, calibration.leaks)
  const heaters = scene.layout.heaters.length
  const curves = Array.from({ length: CURVE_POINTS + 1 }, (_, i) =>
    pathLights(scene, new Float64Array(heaters).fill((last * i) / CURVE_POINTS), calibration),
  )
  const says =
    'Light of each wavelength from input port 0 while all rings are heated alike, with the curves of the fitted rings; what leaks is taken off.'
  const svg = fringesPicture({
    caption: { heading: 'Ring curves of input port 0', lines: [subject, says] },
    xName: 'squared voltage of every heater, V²',
    yName: 'light, mW',
    x,
    groups: [
      {
        name: 'input port 0',
        panels: Array.from({ length: calibration.size }, (_, wavelength) => ({
          title: `wavelength ${wavelength}`,
          fringes: [
            {
              name: 'dropped',
              values: readings.map(({ dropMw }) => dropMw[wavelength]!),
              curve: curves.map(({ drop }) => drop[wavelength]!),
            },
            {
              name: 'let through',
              values: readings.map(({ throughMw }) => throughMw[wavelength]!),
              curve: curves.map(({ through }) => through[wavelength]!),
            },
          ],
        })),
      },
    ],
  })
  return [{ kind: 'fringes', says, svg }]
}

function residualPictures(
  calibration: AwgrCalibration,
  scene: RingScene,
  sweep: readonly OutputReading[],
  rounds: readonly (readonly OutputReading[])[],
  subject: string,
): readonly RunPicture[] {
  const { settings, relativeResidual, heldOutResidual } = calibration.fit
  const all = rounds.reduce((sum, { length }) => sum + length, sweep.length)
  // As many of each round are kept out, its first ones; the record's figure is that of the last round.
  const heldOut = (all - settings) / rounds.length
  if (!Number.isInteger(heldOut) || heldOut < 1) return []
  const seen = [...sweep, ...rounds.flatMap((round) => round.slice(heldOut))]
  const unseen = rounds.at(-1)!.slice(0, heldOut)
  const says = `What the fitted rings leave of their readings: RMS ${measured(100 * relativeResidual, 3)} % of the light on the ${seen.length} settings that they were fitted to, ${measured(100 * heldOutResidual, 3)} % on ${unseen.length} kept out.`
  const svg = residualHistogram({
    caption: { heading: 'Residuals of the fit of the rings', lines: [subject, says] },
    xName: 'fitted less measured light of a path, % of the RMS light',
    fitted: ringResidualsPercent(calibration, scene, withoutLeaks(seen, calibration.leaks)),
    heldOut: ringResidualsPercent(calibration, scene, withoutLeaks(unseen, calibration.leaks)),
  })
  return [{ kind: 'residuals', says, svg }]
}

/** Of every path and both ends, relative to the RMS of all light. */
export function ringResidualsPercent(
  calibration: AwgrCalibration,
  scene: RingScene,
  readings: readonly RingReading[],
): Float64Array {
  const left: number[] = []
  let light = 0
  for (const { squaredV, dropMw, throughMw } of readings) {
    const { drop, through } = pathLights(scene, squaredV, calibration)
    for (const [expected, seen] of [
      [drop, dropMw],
      [through, throughMw],
    ] as const) {
      for (const [path, mw] of seen.entries()) {
        left.push(expected[path]! - mw)
        light += mw * mw
      }
    }
  }
  const rms = Math.sqrt(light / left.length)
  return Float64Array.from(left, (mw) => (100 * mw) / rms)
}
