import { intensityBlocks } from '../calibration/intensity/intensity-parameters.ts'
import { invisibleHeaters } from '../calibration/intensity/intensity-programming.ts'
import type { IntensityCalibration } from '../calibration/intensity/intensity-record.ts'
import { designText } from '../core/mesh-design.ts'
import { meshCoreLayout } from '../core/mesh-layout.ts'
import { measured } from './numbers.ts'
import { decibel, percent, pitches, placeOfMost, range } from './report-findings.ts'
import type { Findings } from './report-findings.ts'
import { elementNames, heaterName, mrad } from './report-mesh.ts'

/** What a calibration found of a single mesh read by photodiodes, with how sure it is (± σ). */
export function intensityFindings({ size, lanes, design, fit, ...rest }: IntensityCalibration): Findings {
  const layout = meshCoreLayout(size, lanes, design)
  const blocks = intensityBlocks(layout)
  const idle = invisibleHeaters(layout)
  const value = (at: number): number => rest.chip[at]!
  const sigma = (at: number): number => rest.chipSigma[at]!
  const elements = elementNames(layout)
  const splitters = (['α', 'β'] as const).flatMap((which, index) =>
    elements.map((element, mzi) => {
      const at = [blocks.alpha, blocks.beta][index]! + mzi
      return { rad: value(blocks.splitterMean) + value(at), sigma: sigma(at), name: `${which} of ${element}` }
    }),
  )
  const heaters = layout.heaters.flatMap(({ role }, heater) => {
    if (idle.has(heater)) return []
    const name = `${heaterName(layout, role)} (heater ${heater})`
    const [turn, offset] = [blocks.radPerV2 + heater, blocks.offset + heater]
    return [{ name, radPerV2: value(turn), sigma: sigma(turn), offsetSigma: sigma(offset) }]
  })
  const ports = (from: number, what: string): readonly { readonly name: string; readonly relative: number }[] => {
    const best = Math.max(...rest.chip.slice(from, from + size))
    return Array.from({ length: size }, (_, port) => {
      return { name: `${what} ${port}`, relative: Math.exp(2 * (value(from + port) - best)) }
    })
  }
  const [inputs, outputs] = [ports(blocks.logIn, 'input'), ports(blocks.logOut, 'output')]
  const dimmest = (of: typeof inputs): string => {
    const { name, relative } = placeOfMost(of, (port) => -port.relative)
    return `${decibel(relative)} beside the best: ${name}`.replace('-', '−')
  }
  const stray = Array.from({ length: size * size }, (_, at) => ({
    field: Math.hypot(value(blocks.strayRe + at), value(blocks.strayIm + at)),
    name: `input ${Math.floor(at / size)} while input ${at % size} is lit`,
  }))
  const worst = placeOfMost(splitters, ({ rad }) => Math.abs(rad))
  const slowest = placeOfMost(heaters, ({ radPerV2 }) => -radPerV2)
  const leastSure = placeOfMost(heaters, ({ offsetSigma }) => offsetSigma)
  const brightest = placeOfMost(stray, ({ field }) => field)
  const [neighbour, decay] = [fit.crosstalkNeighbour, fit.crosstalkDecayPitch]
  return {
    core: `mesh, ${size} × ${size}, read by photodiodes; ${designText(design)}`,
    found: [
      [
        'splitter angles, error from π/4',
        `RMS ${mrad(fit.splitterRmsRad)}, mean ${mrad(fit.splitterMeanRad)} ± ${mrad(sigma(blocks.splitterMean))}`,
      ],
      [
        'crosstalk of heaters to the next one',
        // The fit knows its logarithm.
        `${percent(neighbour)} ± ${percent(neighbour * sigma(blocks.logNeighbour))}`,
      ],
      [
        'distance over which crosstalk falls to 1/e',
        `${pitches(decay)} ± ${(decay * sigma(blocks.logDecay)).toPrecision(2)}`,
      ],
      ['loss of one interferometer, mean of all', `${((-20 / Math.LN10) * value(blocks.logMziField)).toFixed(3)} dB`],
      [
        'phase shifters',
        range(
          heaters.map(({ radPerV2 }) => radPerV2),
          'rad/V²',
        ),
      ],
      [
        'phase shifters, standard deviation',
        range(
          heaters.map((heater) => 100 * (heater.sigma / heater.radPerV2)),
          '%',
          2,
        ),
      ],
      [
        'phases at 0 V, standard deviation',
        range(
          heaters.map(({ offsetSigma }) => 1e3 * offsetSigma),
          'mrad',
          2,
        ),
      ],
      ['heaters whose phase no power shows, kept cold', String(idle.size)],
      [
        'detectors, dark, as their meters show it',
        range(
          rest.darkMw.map((mw) => 1e6 * mw),
          'nW',
        ),
      ],
      ['settings of the fit', `${fit.settings}, in ${fit.iterations} iterations`],
      ['residual of the fit', `${percent(fit.relativeResidual)} of the RMS reading`],
      ['residual on settings kept out of the fit', `${percent(fit.heldOutResidual)} of the RMS reading`],
      ['TVD on settings kept out of the fit', percent(fit.heldOutTvd)],
    ],
    weakest: [
      ['largest splitter error', `${mrad(worst.rad)} ± ${mrad(worst.sigma)}: ${worst.name}`],
      ['dimmest input', dimmest(inputs)],
      ['dimmest output', dimmest(outputs)],
      ['weakest phase shifter', `${measured(slowest.radPerV2)} rad/V²: ${slowest.name}`],
      ['phase known least', `± ${mrad(leastSure.offsetSigma)} at 0 V: ${leastSure.name}`],
      [
        'most light of a dark input',
        `${decibel(brightest.field ** 2).replace('-', '−')} of its lit power: ${brightest.name}`,
      ],
    ],
  }
}
