import type { MeshCalibration } from '../calibration/calibration-record.ts'
import { parameterBlocks } from '../calibration/model/chip-parameters.ts'
import { DEFAULT_DESIGN, designText } from '../core/mesh-design.ts'
import { meshCoreLayout } from '../core/mesh-layout.ts'
import type { HeaterRole, SvdCoreLayout } from '../core/mesh-layout.ts'
import { measured } from './numbers.ts'
import { decibel, percent, pitches, placeOfMost, range } from './report-findings.ts'
import type { Findings } from './report-findings.ts'

/** One port of one lane, and the power that it passes relative to the best port of its lane. */
interface PortGain {
  readonly name: string
  readonly relative: number
}

/** What a calibration found of a mesh core. */
export function meshFindings(calibration: MeshCalibration): Findings {
  const { size, lanes, design = DEFAULT_DESIGN, fit, modulators, detectors } = calibration
  const layout = meshCoreLayout(size, lanes, design)
  const blocks = parameterBlocks(layout)
  const chip = (from: number, length: number): readonly number[] => calibration.chip.slice(from, from + length)
  const elements = elementNames(layout)
  const splitters = (['α', 'β'] as const).flatMap((which, index) =>
    chip([blocks.alpha, blocks.beta][index]!, elements.length).map((rad, element) => ({
      rad,
      name: `${which} of ${elements[element]!}`,
    })),
  )
  const turns = chip(blocks.radPerV2, layout.heaters.length).map((radPerV2, heater) => ({
    radPerV2,
    name: `${heaterName(layout, layout.heaters[heater]!.role)} (heater ${heater})`,
  }))
  const inputs = portGains(layout, chip(blocks.logIn, lanes * size), 'input')
  const outputs = portGains(layout, chip(blocks.logOut, lanes * size), 'output')
  const mean = splitters.reduce((sum, { rad }) => sum + rad, 0) / splitters.length
  const worst = placeOfMost(splitters, ({ rad }) => Math.abs(rad))
  const slowest = placeOfMost(turns, ({ radPerV2 }) => -radPerV2)
  const ratesRadPerV2 = turns.map(({ radPerV2 }) => radPerV2)
  const biases = portsOf(layout, modulators.biasRad)
  const offBias = placeOfMost(biases, ({ value }) => Math.abs(value))
  const leaking = placeOfMost(portsOf(layout, modulators.leak), ({ value }) => Math.abs(value))
  return {
    core: `mesh, ${size} × ${size}, ${lanes} ${lanes === 1 ? 'lane' : 'lanes'}; ${designText(design)}`,
    found: [
      ['splitter angles, error from π/4', `RMS ${mrad(fit.splitterRmsRad)}, mean ${mrad(mean)}`],
      ['crosstalk of heaters to the next one', percent(fit.crosstalkNeighbour)],
      ['distance over which crosstalk falls to 1/e', pitches(fit.crosstalkDecayPitch)],
      [
        'loss of one interferometer, mean of all',
        `${((-20 / Math.LN10) * chip(blocks.logMziField, 1)[0]!).toFixed(3)} dB`,
      ],
      ['phase shifters', range(ratesRadPerV2, 'rad/V²')],
      [
        'voltage of π',
        range(
          ratesRadPerV2.map((k) => Math.sqrt(Math.PI / k)),
          'V',
        ),
      ],
      ['power gain of the inputs, best of a lane 0 dB', gains(inputs)],
      ['power gain of the outputs, best of a lane 0 dB', gains(outputs)],
      [
        'modulators, from null to full light',
        range(
          modulators.radPerCode.flat().map((k) => Math.PI / 2 / k),
          'codes',
        ),
      ],
      ['modulators, off their null by at most', mrad(Math.abs(offBias.value))],
      ['modulators, extinction at least', extinction(leaking.value)],
      [
        'detectors, dark, as their meters show it',
        range(
          [...detectors.darkPlusMw, ...detectors.darkMinusMw].flat().map((mw) => 1e6 * mw),
          'nW',
        ),
      ],
      ['detectors, factor for the plus one of a pair', range(detectors.balancePlus.flat(), '')],
      ...(fit.tapDisagreement === undefined
        ? []
        : [['taps against the fitted V†', `${percent(fit.tapDisagreement)} of their light`] as const]),
      ['settings of the fit', `${fit.settings}, in ${fit.iterations} iterations`],
      ['residual of the fit', `${percent(fit.relativeResidual)} of the RMS reading`],
      ['residual on settings kept out of the fit', `${percent(fit.heldOutResidual)} of the RMS reading`],
    ],
    weakest: [
      ['largest splitter error', `${mrad(worst.rad)}: ${worst.name}`],
      ['dimmest input', dimmest(inputs)],
      ['dimmest output', dimmest(outputs)],
      ['weakest phase shifter', `${measured(slowest.radPerV2)} rad/V²: ${slowest.name}`],
      ['modulator farthest off its null', `${mrad(offBias.value)}: ${offBias.name}`],
      ['modulator with the least extinction', `${extinction(leaking.value)}: ${leaking.name}`],
    ],
  }
}

export const mrad = (rad: number): string => `${(1e3 * rad).toFixed(1).replace('-', '−')} mrad`

const extinction = (leak: number): string =>
  leak === 0 ? '∞ dB' : `${(-20 * Math.log10(Math.abs(leak))).toFixed(1)} dB`

/** In the order of the parameters: as light meets the parts. */
export function elementNames({ first, sigma, second, mzis, design }: SvdCoreLayout): readonly string[] {
  const pair =
    (mesh: string) =>
    (_: number, k: number): string =>
      `${mesh}, column ${mzis[k]!.column}, waveguides ${mzis[k]!.top} and ${mzis[k]!.top + 1}`
  return [
    ...first.theta.map(pair(design.form === 'unitary' ? 'U' : 'V†')),
    ...sigma.theta.map((_, waveguide) => `Σ, waveguide ${waveguide}`),
    ...second.theta.map(pair('U')),
  ]
}

export function heaterName(layout: SvdCoreLayout, role: HeaterRole): string {
  switch (role.kind) {
    case 'input':
      return `trimmer of lane ${role.lane}, input ${role.port}`
    case 'lo':
      return `local oscillator of lane ${role.lane}, output ${role.port}`
    case 'sigma-phi':
      return `φ of Σ, waveguide ${role.channel}`
    case 'sigma-theta':
      return `θ of Σ, waveguide ${role.channel}`
    case 'phi':
    case 'theta': {
      const letter = role.kind === 'phi' ? 'φ' : 'θ'
      const mesh = layout.design.form === 'unitary' || role.mesh === 'second' ? 'U' : 'V†'
      const { column, top } = layout.mzis[role.mzi]!
      return `${letter} of ${mesh}, column ${column}, waveguides ${top} and ${top + 1}`
    }
  }
}

/** A table [lane][port] as a list of named values. */
function portsOf(
  { size }: SvdCoreLayout,
  values: readonly (readonly number[])[],
): readonly { readonly name: string; readonly value: number }[] {
  return values.flatMap((ports, lane) =>
    ports.slice(0, size).map((value, port) => ({ value, name: `lane ${lane}, input ${port}` })),
  )
}

/** `logFields`: [lane × size + port] ln of field gains. */
function portGains({ size, lanes }: SvdCoreLayout, logFields: readonly number[], port: string): readonly PortGain[] {
  return Array.from({ length: lanes }, (_, lane) => logFields.slice(lane * size, (lane + 1) * size)).flatMap(
    (ofLane, lane) => {
      const best = Math.max(...ofLane)
      return ofLane.map((log, index) => ({
        name: `lane ${lane}, ${port} ${index}`,
        relative: Math.exp(2 * (log - best)),
      }))
    },
  )
}

const gains = (ports: readonly PortGain[]): string => {
  const least = placeOfMost(ports, ({ relative }) => -relative)
  return `${decibel(least.relative)} … 0 dB`.replaceAll('-', '−')
}

function dimmest(ports: readonly PortGain[]): string {
  const { name, relative } = placeOfMost(ports, (port) => -port.relative)
  return `${decibel(relative)} beside the best of its lane: ${name}`.replace('-', '−')
}
